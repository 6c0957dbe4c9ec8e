#!/usr/bin/env bash
# Two pipelines at once in one process, on two threads, in every launch mode and in f32 and bf16: each picture must be, to the
# bit, the one that its pipeline draws alone. Two seeds and two sizes; a queue each, then one queue and shared weights.
#
#     cargo build --release --features cuda --example two_pipelines -p tintype
#     tests/gpu/two_pipelines.sh target/release/examples/two_pipelines [--model FOLDER]
set -uo pipefail
binary=${1:-target/release/examples/two_pipelines}
shift || true
bad=0
for dtype in f32 bf16; do
    for launch in graph lazy compiled eager; do
        "$binary" --backend cuda --launch "$launch" --dtype "$dtype" "$@"
        status=$?
        printf '%-4s %-8s exit %s\n' "$dtype" "$launch" "$status"
        [ $status -eq 0 ] || bad=1
    done
done
exit $bad
