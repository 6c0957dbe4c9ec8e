//! Attention and convolution by cuDNN.
