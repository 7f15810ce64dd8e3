"""What tells images from reconstructions: one network for each scale of an image."""
