"""Writes ml_dtypes.txt: what ml_dtypes says of the four 8-bit formats.

    pip install ml_dtypes==0.5.3 numpy
    python make.py > ml_dtypes.txt

A line `values FORMAT` and the bits, as f32, of each of the 256 codes; a line `codes FORMAT` and pairs of an f32's bits and the
code that it becomes. Values are those halfway between two codes, their neighbours, and random ones, within the largest: beyond it
ml_dtypes gives infinity or NaN, where parameters are saturated."""

import ml_dtypes
import numpy as np

FORMATS = {
    "e4m3": ml_dtypes.float8_e4m3fn,
    "e4m3_fnuz": ml_dtypes.float8_e4m3fnuz,
    "e5m2": ml_dtypes.float8_e5m2,
    "e5m2_fnuz": ml_dtypes.float8_e5m2fnuz,
}

random = np.random.default_rng(0)
for name, dtype in FORMATS.items():
    values = np.arange(256, dtype=np.uint8).view(dtype).astype(np.float32)
    print("values", name, *(f"{bits:08x}" for bits in values.view(np.uint32)))
    finite = np.unique(values[np.isfinite(values)])
    middles = ((finite[1:] + finite[:-1]) / 2).astype(np.float32)
    most = finite.max()
    spread = np.exp2(random.uniform(-24, np.log2(most), 300)) * random.choice([-1, 1], 300)
    inputs = np.concatenate([
        middles,
        np.nextafter(middles, np.float32(np.inf)),
        np.nextafter(middles, np.float32(-np.inf)),
        spread.astype(np.float32),
        np.array([0.0, -0.0, np.nan, most, -most], np.float32),
    ]).astype(np.float32)
    codes = inputs.astype(dtype).view(np.uint8)
    print("codes", name, *(f"{bits:08x}:{code:02x}" for bits, code in zip(inputs.view(np.uint32), codes)))
