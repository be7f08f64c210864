"""The numbers of the score's definition, one place for scoring and for the losses that follow it."""

# OpenCV's 8-bit hue has 180 steps of two degrees, 30 to each of six sectors of the circle. It is a fixed-point number
# with 12 fraction bits: the position in a sector times `HUE_UNIT / chroma`, rounded, plus a half (imgproc,
# color_hsv.simd.hpp). Gray has hue 0.
HUE_BINS = 180
BINS_PER_SECTOR = HUE_BINS // 6
FRACTION_BITS = 12
HALF = 1 << (FRACTION_BITS - 1)
HUE_UNIT = (HUE_BINS << FRACTION_BITS) // 6

# SSIM: the side of the uniform window, and the constants of Wang et al. (2004) as shares of the data range.
SSIM_WINDOW = 7
SSIM_K1, SSIM_K2 = 0.01, 0.03
