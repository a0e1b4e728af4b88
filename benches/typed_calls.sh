#!/usr/bin/env bash
# Shows that typed calls and look-ups that nobody calls cost nothing: symbols and machine code of release builds.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}

cargo build --release --quiet -p erp
lookups=$(nm -C "$target/release/erp" | grep -cE 'table_registry_core::(lookup|handlers|policy)|erp::tables::' || true)
echo "look-up code in the release build of erp, which calls none: $lookups symbols"

cargo rustc --release --quiet -p benches --bench typed_calls -- --emit asm -C codegen-units=1
asm=$(ls -t "$target"/release/deps/typed_calls-*.s | head -n 1)
echo "main calls typed() and by_hand(); what it calls in the machine code:"
awk '/typed_calls4main.*:$/ { on = 1 } on && /callq? .*typed_calls|callq?\t.*typed_calls/ { print $2 } /\.cfi_endproc/ { on = 0 }' "$asm" | c++filt | sed 's/::h[0-9a-f]*$//; s/^/    /'
echo "the code of typed():"
awk '/typed_calls5typed.*:$/ { on = 1; next } /\.cfi_endproc/ { on = 0 } on && !/^\.|\.cfi|\.size/ { print "   ", $1, $2, $3 }' "$asm"
