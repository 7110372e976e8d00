"""The student's convolutions on a CPU by Winograd's method, in machine code that llvmlite makes."""
