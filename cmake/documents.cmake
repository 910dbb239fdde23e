# SPDX-License-Identifier: Apache-2.0
#
# The manual page and the completion of svf name the formats as the table of formats does. It is read
# here, since a cross-compiled svf cannot be asked; tests/cli/documents.sh asks svf.
set(table ${PROJECT_SOURCE_DIR}/kernels/format.c)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${table})
file(STRINGS ${table} rows REGEX "\\.name = \"")
list(TRANSFORM rows REPLACE ".*\\.name = \"([^\"]*)\".*" "\\1" OUTPUT_VARIABLE names)
list(JOIN names " " SVF_FORMATS_WORDS)
list(JOIN names " , " SVF_FORMATS_MDOC)
set(svf_documents ${PROJECT_BINARY_DIR}/documents)
foreach(document svf.1 completion.bash)
  configure_file(${PROJECT_SOURCE_DIR}/src/cli/${document}.in ${svf_documents}/${document} @ONLY)
endforeach()
set(svf_documents ${svf_documents} PARENT_SCOPE)
