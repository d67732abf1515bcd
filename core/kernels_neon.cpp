// Kernels for the instruction set "neon"; kernels.cmake gives the flags.
#define THALWEG_SET kernels_neon
#define THALWEG_SET_NAME "neon"
#define THALWEG_VECTOR_BYTES 16
#define THALWEG_ROWS 4
#define THALWEG_VECTORS 4
#include "kernels.inl"
