"""jaxfake: deepfake detection from facial-part consistency, in JAX."""
