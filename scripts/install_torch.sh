#!/usr/bin/env bash
# Install torch: usage install_torch.sh PYTHON VERSION
# The CPU build where there is no NVIDIA GPU and an index offers one, so that a laptop
# does not download gigabytes of CUDA; otherwise whatever the default index has.
set -euo pipefail
python=$1 version=$2
pip() { "$python" -m pip --disable-pip-version-check "$@"; }

if "$python" -c "import torch" 2>/dev/null; then
  exit 0
fi
cpu_index=${SCRATCHLM_TORCH_INDEX:-https://download.pytorch.org/whl/cpu}
if [ "$(uname -s)" = Linux ] && ! command -v nvidia-smi >/dev/null 2>&1 &&
  "$python" - "$cpu_index/torch/" <<'PY'
import sys, urllib.request
try:
    urllib.request.urlopen(sys.argv[1], timeout=5).read(1)
except Exception:
    sys.exit(1)
PY
then
  # +cpu sorts above the plain version, whichever default index this machine uses
  pip install --quiet "torch==$version" --extra-index-url "$cpu_index" && exit 0
fi
pip install --quiet "torch==$version"
