# kernel_targets: an object library for each instruction set. Their code uses the vector types of GCC and Clang.
#
# -ffp-contract=fast makes a·b + c one instruction where there is one; nothing else of "fast math" is allowed, as the
# order of a sum and what is not a number must stay what they are.

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64|i[3-6]86)$")
  set(sets portable avx2 avx512)
  target_compile_definitions(core PRIVATE THALWEG_X86_KERNELS)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
  set(sets portable neon)
  target_compile_definitions(core PRIVATE THALWEG_NEON_KERNELS)
else()
  set(sets portable)
endif()
set(flags_avx2 -mavx2 -mfma)
set(flags_avx512 -mavx2 -mfma -mavx512f -mavx512dq -mavx512bw -mavx512vl)

set(kernel_targets)
foreach(set IN LISTS sets)
  add_library(kernels_${set} OBJECT core/kernels_${set}.cpp)
  target_compile_options(kernels_${set} PRIVATE -ffp-contract=fast -fno-math-errno -fno-trapping-math -Wno-psabi
                                                $<$<CONFIG:Release>:-O3> ${flags_${set}})
  target_sources(core PRIVATE $<TARGET_OBJECTS:kernels_${set}>)
  list(APPEND kernel_targets kernels_${set})
endforeach()
