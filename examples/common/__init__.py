"""What the examples share: data of packages, sketches on simulated boards, figures and plots of a run."""
