"""What compresses images: the codec of Agustsson et al., and JPEG and WebP beside it."""
