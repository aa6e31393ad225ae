"""Toy faces: procedural faces whose parts agree statistically, and forgeries of them.

The way of a toy face: `latents` (who, which expression, pose and light, and what each part has of its
own) and `clips` (how they move) → `geometry` (3-D points, projected: also the exact landmarks) →
`painting` (flat colours of `palette`) → `shading` (relief under one light, `complexion`) → `render` (the
finished face) → `forgeries` (parts of another person) → `worn` (glasses, covers, shadows) → `camera`
(blur, noise, JPEG).

Landmarks are stored as our detector would find them (`detected`). All of it is our own choice; nothing is
taken from photographs.
"""
