"""Films: decoded, restored and encoded frame by frame, with one degradation for each scene."""
