"""The section of the report with whole frames: the heat of each face at its place."""

from collections.abc import Sequence

from jaxfake.data.dataset import FaceDataset
from jaxfake.data.source_frames import SourceFrames
from jaxfake.reporting.heat_strips import FaceHeat, HeatScale, frame_picture
from jaxfake.reporting.html import Gallery, Picture, PictureGroup, Section, png_source


def frames_section(
    faces: FaceDataset, frames: SourceFrames, shown: Sequence[FaceHeat], scale: HeatScale
) -> tuple[Section, ...]:
    """The frames of these faces; no section without heat, or if no frame is available."""
    pictures = []
    for face in shown:
        frame = frames.of(faces, face.row)
        if frame is None or face.heat is None:
            continue
        picture = frame_picture(frame, face.heat, faces[face.row].matrix, scale)
        note = f"this face {face.score:.3f}"
        pictures.append(Picture(faces.name(face.row), note, png_source(picture)))
    if not pictures:
        return ()
    caption = (
        "The faces of the gallery above in the frames that they were taken from. The heat covers the crop; "
        "the detector has not seen the rest of the frame."
    )
    group = PictureGroup(f"{len(pictures)} frames", tuple(pictures))
    gallery = Gallery("Heat in the frame", caption, ("heat in the frame",), (group,))
    return (Section("Frames", (), (gallery,)),)
