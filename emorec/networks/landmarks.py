"""Which points of a face stand where."""

from itertools import pairwise

MESH = 468  # points of MediaPipe's face mesh
# Those of the mesh that lie where the 68 points of iBUG lie: jaw 0-16, brows 17-26, nose 27-35,
# eyes 36-47, outer lip 48-59, inner lip 60-67.
AS_68 = (
    *(162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389),
    *(71, 63, 105, 66, 107, 336, 296, 334, 293, 301),
    *(168, 197, 5, 4, 75, 97, 2, 326, 305),
    *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),
    *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87),
)
# Of 68 points, the eye on the left and on the right of the picture.
LEFT_EYE, RIGHT_EYE = range(36, 42), range(42, 48)
# Of 68 points, lines through several; a closed one ends where it begins.
LINES = (
    (*range(17),),
    (*range(17, 22),),
    (*range(22, 27),),
    (*range(27, 31),),
    (*range(31, 36),),
    (*LEFT_EYE, LEFT_EYE[0]),
    (*RIGHT_EYE, RIGHT_EYE[0]),
    (*range(48, 60), 48),
    (*range(60, 68), 60),
)
EDGES = tuple((a, b) for line in LINES for a, b in pairwise(line))
