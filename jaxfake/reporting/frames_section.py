"""What the report shows of whole frames: the heat of each face where the face is."""

from collections.abc import Sequence

from jaxfake.data.dataset import FaceDataset
from jaxfake.data.source_frames import SourceFrames
from jaxfake.reporting.heat_strips import Heated, HeatScale, frame_picture
from jaxfake.reporting.html import Gallery, Picture, PictureGroup, Section, png_source


def frames_section(
    faces: FaceDataset, frames: SourceFrames, shown: Sequence[Heated], scale: HeatScale
) -> tuple[Section, ...]:
    """The frames of these faces; no section if there is no heat, or no frame is at hand."""
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
        "The faces of the gallery above in the frames that they were taken from, each heat where its "
        "crop lies. Outside of the crop the detector has looked at nothing."
    )
    group = PictureGroup(f"{len(pictures)} frames", tuple(pictures))
    gallery = Gallery("Heat in the frame", caption, ("heat in the frame",), (group,))
    return (Section("In the frame", (), (gallery,)),)
