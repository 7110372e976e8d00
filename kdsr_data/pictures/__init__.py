"""The one reader of pictures: a file's bytes in; pixels in the file's depth, upright, alpha and metadata out.

It needs neither PyTorch nor BasicSR. OpenCV decodes what it is known to decode bit for bit as Pillow does, and faster:
JPEG, WebP and most of PNG. The rest goes through Pillow and tifffile.
"""

from kdsr_data.pictures.picture import MAX_PIXELS, ImageReadError, Metadata, Picture
from kdsr_data.pictures.reading import decode_picture, picture_size, read_picture

__all__ = ["MAX_PIXELS", "ImageReadError", "Metadata", "Picture", "decode_picture", "picture_size", "read_picture"]
