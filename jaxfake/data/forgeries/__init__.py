"""Fakes made from real faces: six kinds, each a pure function of faces and a random generator.

The way of a forged face: `chain` reads a real face and, where a kind wants one, a donor in a similar pose
(`donors`). The module of its kind makes a source and says where it is seen; `forge` blends it in. What
would betray a forgery without any evidence in the face is in `forgery.Guards`. All ranges are our choice
unless a source is named.
"""
