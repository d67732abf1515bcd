# Fails where the object file of an instruction set shows the linker more than its own table.
#
#     cmake -DNM=nm -DTABLE=kernels_avx2 -DOBJECTS=a.o -P check_symbols.cmake        (several objects: a.o|b.o)
#
# A template or an inline function is a weak symbol: of all files that have it, the linker keeps one copy. Were that the
# copy of a file compiled for AVX-512, the portable kernels would run it on processors that cannot.

string(REPLACE "|" ";" objects "${OBJECTS}")
if(NOT objects)
  message(FATAL_ERROR "check_symbols.cmake has no object files to look at for ${TABLE}: pass -DOBJECTS=…")
endif()

set(found_table FALSE)
foreach(object IN LISTS objects)
  # POSIX: a line for each external symbol, "name type value size". Types: U not defined here; W, V, u weak or unique.
  execute_process(COMMAND "${NM}" -g -P "${object}"
                  OUTPUT_VARIABLE output ERROR_VARIABLE complaint RESULT_VARIABLE failed)
  if(failed)
    message(WARNING "${NM} cannot read ${object}, so its symbols go unchecked: ${complaint}")
    return()
  endif()
  string(REGEX MATCHALL "[^\n]+" lines "${output}")
  foreach(line IN LISTS lines)
    if(NOT line MATCHES "^([^ ]+) ([A-Zuvw])")
      continue()
    endif()
    set(symbol "${CMAKE_MATCH_1}")
    set(type "${CMAKE_MATCH_2}")
    # DW.ref.…: a pointer that unwinding needs, the same in every file.
    if(type MATCHES "[Uvw]" OR symbol MATCHES "^_*DW\\.ref\\.")
      continue()
    endif()
    if(symbol MATCHES "[0-9]${TABLE}E" AND NOT type MATCHES "[WVu]")
      set(found_table TRUE)
      continue()
    endif()
    message(FATAL_ERROR
      "An instruction set's object file may show the linker nothing but its table ${TABLE}; ${object} also has "
      "${symbol} (type ${type} of ${NM}). The linker could merge a function of that name into the portable kernels and "
      "so run these instructions where the processor has none: put what is included there into the unnamed namespace.")
  endforeach()
endforeach()

if(NOT found_table)
  message(FATAL_ERROR
    "${NM} shows no table ${TABLE} in ${OBJECTS}: was the table renamed? core/kernels.cmake names it.")
endif()
