#!/bin/sh
# Writes the files of the page as C arrays (src/http/pages.h) to standard output.
# usage: tools/embed.sh FILE...
set -eu

echo '#include "http/pages.h"'
count=0
for file in "$@"; do
    printf 'static const unsigned char file_%d[] = {\n' "$count"
    od -An -v -tx1 "$file" | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'
    echo "0 };"
    count=$((count + 1))
done
echo 'const struct page pages[] = {'
count=0
for file in "$@"; do
    echo "{ \"/$(basename "$file")\", file_$count, sizeof file_$count - 1 },"
    count=$((count + 1))
done
echo '};'
echo "const size_t pages_count = $count;"
