# Installs the library from BUILD_DIR into an empty folder, then builds and runs
# the project in CONSUMER against it.

set(work "${BUILD_DIR}/install_consumer")
file(REMOVE_RECURSE "${work}")

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

run("${CMAKE_COMMAND}" --install "${BUILD_DIR}" --prefix "${work}/prefix")
run("${CMAKE_COMMAND}" -S "${CONSUMER}" -B "${work}/build" -G Ninja
    "-DCMAKE_CXX_COMPILER=${CXX}" "-DCMAKE_BUILD_TYPE=Release"
    "-DCMAKE_PREFIX_PATH=${work}/prefix\;${PREFIX_PATH}")
run("${CMAKE_COMMAND}" --build "${work}/build")
run("${work}/build/consumer")
