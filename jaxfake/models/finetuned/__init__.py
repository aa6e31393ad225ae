"""The network that stage 2 finetunes on whole faces: the encoder of stage 1, or an imported ViT."""
