"""Toy faces: procedural faces whose parts all follow from shared latents.

The way of a toy face: `latents` (who, which expression, pose and light) and `clips` (how they move) →
`geometry` (3-D points, projected: also the exact landmarks) → `painting` (flat colours of `palette`)
→ `shading` (relief under one light) → `render` (the finished face) → `camera` (blur, noise, JPEG).
All of it is our own choice; nothing is taken from photographs.
"""
