"""YuNet's code, with a stand-in of its inputs and outputs that takes bright squares for faces."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from emorec.errors import UserError
from emorec.extractors import FaceSearch
from emorec.media import Face, YuNetDetector
from tests.helpers.media_files import Image

WIDTHS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a file with YuNet's outputs: at stride 32 a bright field is a face of 64 pixels.

    Each output is the mean brightness of the field, times a factor, plus a constant; OpenCV takes
    the root of cls x obj for the score, and exp(bbox) x stride for the sides.
    """
    nodes, outputs, values = [], [], []
    for stride in (8, 16, 32):
        size, mean = [stride, stride], f"mean{stride}"
        pool = helper.make_node("AveragePool", ["input"], [mean], kernel_shape=size, strides=size)
        nodes.append(pool)
        for name, width in WIDTHS.items():
            out = f"{name}_{stride}"
            factor, constant = np.zeros((width, 3, 1, 1), np.float32), np.zeros(width, np.float32)
            if width == 1 and stride == 32:
                factor[:] = 1 / (3 * 255)
            if name == "bbox":
                constant[:] = [0.5, 0.5, np.log(2), np.log(2)]
            for kind, value in (("w", factor), ("b", constant)):
                values.append(onnx.numpy_helper.from_array(value, f"{kind}_{out}"))
            shape = np.array([1, -1, width], np.int64)
            values.append(onnx.numpy_helper.from_array(shape, f"s_{out}"))
            nodes += [
                helper.make_node("Conv", [mean, f"w_{out}", f"b_{out}"], [f"c_{out}"]),
                helper.make_node("Transpose", [f"c_{out}"], [f"t_{out}"], perm=[0, 2, 3, 1]),
                helper.make_node("Reshape", [f"t_{out}", f"s_{out}"], [out]),
            ]
            outputs.append(helper.make_tensor_value_info(out, TensorProto.FLOAT, [1, out, width]))
    given = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, "height", "width"])
    graph = helper.make_graph(nodes, "standin", [given], outputs, values)
    path = tmp_path_factory.mktemp("yunet") / "face_detection_yunet_standin.onnx"
    opset = helper.make_opsetid("", 13)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), str(path))
    return str(path)


def bright(x: int, y: int, side: int = 32, shape: tuple[int, int] = (320, 320)) -> Image:
    """Return a black frame with a white square."""
    frame = np.zeros((*shape, 3), np.uint8)
    frame[y : y + side, x : x + side] = 255
    return frame


def test_boxes_are_in_pixels_of_the_frame_that_was_given(weights: str) -> None:
    detector = YuNetDetector(weights)
    [[face], []] = detector.detect([bright(96, 64), bright(0, 0, 0)])
    assert face[:4] == pytest.approx((80, 48, 144, 112), abs=0.5)
    assert face.score == pytest.approx(1, abs=0.01)
    [[large]] = YuNetDetector(weights, height=160).detect([bright(192, 128, 64)])
    assert large[:4] == pytest.approx((192 - 32, 128 - 32, 192 + 96, 128 + 96), abs=2)


def test_small_and_doubtful_faces_are_dropped(weights: str) -> None:
    grey = bright(96, 64) // 2
    assert YuNetDetector(weights, min_score=0.6).detect([grey]) == [[]]
    assert YuNetDetector(weights, min_score=0.4).detect([grey]) != [[]]
    assert YuNetDetector(weights, min_face=65).detect([bright(96, 64)]) == [[]]


def test_a_face_is_refined_in_a_part_of_the_frame(weights: str) -> None:
    detector = YuNetDetector(weights)
    # The part is 160 pixels of the frame, so that it is not scaled; its fields begin at its corner.
    new = detector.refine(bright(96, 64), Face(72, 40, 152, 120, 0.9))
    assert new is not None
    assert new.overlap(Face(80, 48, 144, 112, 1)) > 0.6
    assert detector.refine(bright(0, 0, 0), Face(72, 40, 152, 120, 0.9)) is None
    assert detector.refine(bright(96, 64), Face(200, 200, 280, 280, 0.9)) is None


def test_the_search_makes_it(weights: str) -> None:
    search = FaceSearch(method="yunet", weights=weights)
    assert search.follow([bright(96, 64)] * 3, search.detector("cpu", 1)) != [None] * 3


def test_it_needs_its_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="yunet needs the file of its weights"):
        FaceSearch(method="yunet")
    with pytest.raises(UserError, match="the others take none"):
        FaceSearch(weights="yunet.onnx")
    with pytest.raises(UserError, match=r"is not there: .* of OpenCV's model zoo"):
        YuNetDetector(str(tmp_path / "yunet.onnx"))
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"no network")
    with pytest.raises(UserError, match="cannot be used as YuNet"):
        YuNetDetector(str(damaged))
