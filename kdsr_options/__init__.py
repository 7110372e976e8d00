"""How option files are read and checked: the ground on which every room stands. It holds no numbers."""
