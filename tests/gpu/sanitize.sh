#!/usr/bin/env bash
# compute-sanitizer over kernels of ours: the bf16 cases of eight groups of the conformance suite, 94 in all.
# tests/gpu/sanitize.sh path/to/tintype
set -uo pipefail
binary=${1:-target/release/tintype}
bad=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for group in softmax layer_norm rms_norm group_norm rotary_embedding decode gather transpose; do
    compute-sanitizer --tool memcheck --error-exitcode 9 "$binary" conformance --backend cuda --launch compiled --only "$group bf16" > "$log" 2>&1
    status=$?
    printf '%-18s %s; %s\n' "$group" "$(grep -E 'PASSED|FAILED' "$log")" "$(grep 'ERROR SUMMARY' "$log")"
    [ $status -eq 0 ] || bad=1
done
exit $bad
