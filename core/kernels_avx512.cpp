// Kernels for the instruction set "avx512"; kernels.cmake gives the flags.
#define THALWEG_SET kernels_avx512
#define THALWEG_SET_NAME "avx512"
#define THALWEG_VECTOR_BYTES 64
#define THALWEG_ROWS 8
#define THALWEG_VECTORS 3
#include "kernels.inl"
