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

if(MSVC AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "The kernels use vector types that ${CMAKE_CXX_COMPILER_ID} has not: on Windows build with Clang "
                      "(cmake -T ClangCL, the component \"C++ Clang tools for Windows\" of Visual Studio's installer).")
endif()
# clang-cl speaks cl's language, and Clang's own behind this prefix.
set(prefix)
if(MSVC)
  set(prefix /clang:)
endif()

set(kernel_targets)
foreach(set IN LISTS sets)
  add_library(kernels_${set} OBJECT core/kernels_${set}.cpp)
  set(flags -ffp-contract=fast -fno-math-errno -fno-trapping-math -fno-tree-vectorize -Wno-psabi ${flags_${set}})
  list(TRANSFORM flags PREPEND "${prefix}")
  target_compile_options(kernels_${set} PRIVATE ${flags} $<$<CONFIG:Release>:${prefix}-O3>)
  target_sources(core PRIVATE $<TARGET_OBJECTS:kernels_${set}>)
  list(APPEND kernel_targets kernels_${set})
endforeach()

# Before they become a library: no set may leak into another.
if(CMAKE_NM AND NOT MSVC)
  foreach(set IN LISTS sets)
    add_custom_command(
      TARGET core PRE_LINK
      COMMAND ${CMAKE_COMMAND} -DNM=${CMAKE_NM} -DTABLE=kernels_${set}
              "-DOBJECTS=$<JOIN:$<TARGET_OBJECTS:kernels_${set}>,|>"
              -P ${CMAKE_CURRENT_SOURCE_DIR}/core/check_symbols.cmake
      VERBATIM)
  endforeach()
else()
  message(STATUS "Thalweg: there is no nm here, so the symbols of the instruction sets go unchecked.")
endif()
