"""Feature extractors: fixed-point DSP as scikit-learn transformers, with the same integers on the board."""

from micromlgen.features.bandpower import BandPower
from micromlgen.features.dc import DCRemoval
from micromlgen.features.fft import FFT
from micromlgen.features.fir import FIRFilter
from micromlgen.features.goertzel import Goertzel
from micromlgen.features.iir import IIRFilter
from micromlgen.features.mel import MelSpectrogram
from micromlgen.features.mfcc import MFCC
from micromlgen.features.spectralshape import SpectralShape
from micromlgen.features.statistics import Statistics
from micromlgen.features.wavelet import Wavelet
from micromlgen.features.windower import Windower

__all__ = [
    "FFT",
    "MFCC",
    "BandPower",
    "DCRemoval",
    "FIRFilter",
    "Goertzel",
    "IIRFilter",
    "MelSpectrogram",
    "SpectralShape",
    "Statistics",
    "Wavelet",
    "Windower",
]
