"""Export of a trained model: ONNX, torch.export, and a folder for the hub with a model card."""

from emorec.export.graph import export_onnx, export_torch
from emorec.export.pretrained import PretrainedPredictor

__all__ = ["PretrainedPredictor", "export_onnx", "export_torch"]
