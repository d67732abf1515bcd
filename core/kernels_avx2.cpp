// Kernels for the instruction set "avx2"; kernels.cmake gives the flags.
#define THALWEG_SET kernels_avx2
#define THALWEG_SET_NAME "avx2"
#define THALWEG_VECTOR_BYTES 32
#define THALWEG_ROWS 4
#define THALWEG_VECTORS 3
#include "kernels.inl"
