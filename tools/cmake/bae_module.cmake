# bae_module(NAME [DEPENDS modules...] [LIBS targets...] [PRIVATE_LIBS targets...])
#
# One folder = one static library. Its headers are reached as "NAME/file.h" through a directory that
# holds a link to this folder alone, so a target that does not link a module cannot include it.
function(bae_module NAME)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LIBS;PRIVATE_LIBS" ${ARGN})
  file(GLOB_RECURSE SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(FILTER SOURCES EXCLUDE REGEX "/main\\.cpp$")
  set(VIEW ${CMAKE_BINARY_DIR}/view/${NAME})
  file(MAKE_DIRECTORY ${VIEW})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${VIEW}/${NAME} SYMBOLIC)
  if(SOURCES)
    add_library(bae_${NAME} STATIC ${SOURCES})
    set(SCOPE PUBLIC)
  else()
    add_library(bae_${NAME} INTERFACE)
    set(SCOPE INTERFACE)
  endif()
  target_include_directories(bae_${NAME} ${SCOPE} ${VIEW})
  foreach(D ${ARG_DEPENDS})
    target_link_libraries(bae_${NAME} ${SCOPE} bae_${D})
  endforeach()
  target_link_libraries(bae_${NAME} ${SCOPE} ${ARG_LIBS})
  if(ARG_PRIVATE_LIBS AND SOURCES)
    target_link_libraries(bae_${NAME} PRIVATE ${ARG_PRIVATE_LIBS})
  endif()
endfunction()

# bae_embed_sql(TARGET NAMESPACE files...): every file becomes `extern const std::string_view k<Name>` in
# "sql/<namespace>.h" of the target; numbered migrations 0001_x.sql become kMigrations, in order.
function(bae_embed_sql TARGET NAMESPACE)
  set(OUT ${CMAKE_CURRENT_BINARY_DIR}/embedded_sql.cpp)
  add_custom_command(OUTPUT ${OUT}
    COMMAND ${CMAKE_COMMAND} -DOUT=${OUT} -DNAMESPACE=${NAMESPACE} "-DFILES=${ARGN}"
            -P ${CMAKE_SOURCE_DIR}/tools/cmake/embed_sql.cmake
    DEPENDS ${ARGN} ${CMAKE_SOURCE_DIR}/tools/cmake/embed_sql.cmake VERBATIM)
  target_sources(${TARGET} PRIVATE ${OUT})
endfunction()
