/* Files that this executable carries. */
#ifndef CRM_KIT_FILES_H
#define CRM_KIT_FILES_H

#include <stddef.h>

typedef struct crm_kit_file {
    const char *path;           /* relative, with a first part that says where it comes from: swift/, c/, api/, sdk/, fakehost/, testkit/ */
    const unsigned char *bytes; /* `size` of them; static */
    size_t size;
} crm_kit_file;

/* All of them, static; `*count` says how many. */
const crm_kit_file *crm_kit_files(size_t *count);

#endif
