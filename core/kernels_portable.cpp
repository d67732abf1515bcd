// Kernels for the instruction set "portable"; kernels.cmake gives the flags.
#define THALWEG_SET kernels_portable
#define THALWEG_SET_NAME "portable"
#define THALWEG_VECTOR_BYTES 16
#define THALWEG_ROWS 4
#define THALWEG_VECTORS 2
#include "kernels.inl"
