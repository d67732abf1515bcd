"""The lecture's 2-2-2 sigmoid network with squared error and no biases (L7, L10–L14), every number by hand.

Two e-mails: x = [0.6, 1] (length, trusted), not spam, y = [0, 1]; and x = [0.9, 0], spam, y = [1, 0]. The literals were
computed with Python's decimal at 50 digits from the formulas beside them, and rounded to 15 places.
"""

import numpy as np
import pytest

import thalweg as tw
from thalweg.engines.reference import backward, forward


NETWORK = tw.Network([2, 2, 2], activation="sigmoid", output="sigmoid", loss="squared_error", bias=False)
W1 = [[0.1, -0.4], [0.3, 0.2]]
W2 = [[0.5, -0.6], [-0.3, 0.7]]
P = np.array([0.1, -0.4, 0.3, 0.2, 0.5, -0.6, -0.3, 0.7])
ETA = 0.5

X1, Y1 = [[0.6, 1.0]], [[0.0, 1.0]]
A1 = [0.36, -0.04]  # a_j = Σ_i x_i W_ij = 0.6·0.1 + 1·0.3, 0.6·(−0.4) + 1·0.2                                      (2)
Z1 = [0.589040434058665, 0.490001333120035]  # z_j = g(a_j) = 1/(1 + e^−a_j)                                        (2)
A2 = [0.147519817093322, -0.010423327251175]  # a_k = Σ_j z_j W_jk = 0.5 z_1 − 0.3 z_2, −0.6 z_1 + 0.7 z_2          (3)
Z2 = [0.536813217409523, 0.497394191779663]  # z_k = g(a_k)                                                         (3)
E = 0.540781028842383  # (z_1 − 0)² + (z_2 − 1)²                                                                    (4)
DE_DZ = [1.073626434819047, -1.005211616440674]  # ∂E/∂z_k = 2 (z_k − y_k)
G2 = [0.248644787023959, 0.249993209763519]  # g′(a_k) = z_k (1 − z_k)                                            (L14)
DELTA2 = [0.266951616228874, -0.251296078485579]  # δ_k = ∂E/∂z_k · g′(a_k)                                         (5)
DW2 = [[0.157245295896118, -0.148023551148386], [0.130806647830696, -0.123135413465771]]  # δ_k z_j                 (5)
SUMS = [0.284253455205785, -0.255992739808568]  # Σ_k δ_k W_jk                                                      (6)
G1 = [0.242071801102645, 0.249900026660623]  # g′(a_j) = z_j (1 − z_j)                                            (L14)
DELTA1 = [0.068809745871314, -0.063972592503087]  # δ_j = (Σ_k δ_k W_jk) · g′(a_j)                                  (6)
DW1 = [[0.041285847522789, -0.038383555501852], [0.068809745871314, -0.063972592503087]]  # δ_j x_i                 (6)
NEW_W1 = [[0.079357076238606, -0.380808222249074], [0.265595127064343, 0.231986296251544]]  # W − η ∂E/∂W          (L8)
NEW_W2 = [[0.421377352051941, -0.525988224425807], [-0.365403323915348, 0.761567706732885]]

X2, Y2 = [[0.9, 0.0]], [[1.0, 0.0]]
E_SECOND = 0.460338879807787
SUM_DW1 = [[-0.017966738666111, 0.014386706683036], [0.068809745871314, -0.063972592503087]]  # over both         (L13)
SUM_DW2 = [[0.036196569292108, -0.019110004355764], [0.035595974175709, -0.021738678632439]]
SUM_NEW_W1 = [[0.108983369333056, -0.407193353341518], [0.265595127064343, 0.231986296251544]]
SUM_NEW_W2 = [[0.481901715353946, -0.590444997822118], [-0.317797987087854, 0.710869339316220]]


def same(ours, by_hand):
    np.testing.assert_allclose(ours, by_hand, rtol=0.0, atol=1e-15)


def test_the_parameter_vector_holds_the_lectures_matrices():
    (first, no_bias), (second, no_bias_either) = NETWORK.views(P)
    assert first.tolist() == W1 and second.tolist() == W2
    assert no_bias is None and no_bias_either is None


def test_the_forward_pass():
    passed = forward(NETWORK, P, np.array(X1))
    same(passed.inputs[0], X1)
    same(passed.a[0], [A1])
    same(passed.z[0], [Z1])
    same(passed.inputs[1], [Z1])
    same(passed.a[1], [A2])
    same(passed.z[1], [Z2])
    same(NETWORK.loss.of(NETWORK.output, passed.a[1], passed.z[1], np.array(Y1)), [E])


def test_the_backward_pass():
    passed = forward(NETWORK, P, np.array(X1))
    y = np.array(Y1)
    same(NETWORK.loss.gradient(passed.z[1], y, 0.0), [DE_DZ])
    same(NETWORK.output.derivative(passed.z[1], 0.0), [G2])
    delta2 = NETWORK.loss.backward(NETWORK.output, passed.a[1], passed.z[1], y)
    same(delta2, [DELTA2])
    same(delta2 @ np.array(W2).T, [SUMS])
    hidden = NETWORK.layers[0].activation
    assert hidden.saves == "z"  # the forward pass saves g(a), and the backward pass uses it (L14)
    same(hidden.derivative(passed.z[0], 0.0), [G1])
    same(hidden.backward(passed.z[0], np.array([SUMS])), [DELTA1])
    (dW1, _), (dW2, _) = NETWORK.views(backward(NETWORK, P, passed, delta2))
    same(dW1, DW1)
    same(dW2, DW2)


def test_loss_and_gradient(engine):
    loss, gradient = tw.loss_and_gradient(NETWORK, P, X1, Y1, engine=engine)
    same(loss, E)
    (dW1, _), (dW2, _) = NETWORK.views(gradient)
    same(dW1, DW1)
    same(dW2, DW2)
    same(tw.predict(NETWORK, P, X1, engine=engine), [Z2])


def trained(engine, network, X, Y, batch, epochs=1):
    result = tw.train(
        network, X, Y, parameters=P, optimizer=tw.GradientDescent(ETA), batch=batch, order="sweep",
        stop=tw.Stop(epochs=epochs), engine=engine, dtype="float64",
    )  # fmt: skip
    return result


def test_one_update(engine):
    result = trained(engine, NETWORK, X1, Y1, batch=1)
    (new_W1, _), (new_W2, _) = NETWORK.views(result.parameters)
    same(new_W1, NEW_W1)
    same(new_W2, NEW_W2)
    same(result.history.loss, [E])


def test_weights_are_updated_by_the_sum_over_the_examples(engine):
    network = tw.Network([2, 2, 2], activation="sigmoid", output="sigmoid", bias=False, reduction="sum")
    X, Y = X1 + X2, Y1 + Y2
    loss, gradient = tw.loss_and_gradient(network, P, X, Y, engine=engine)
    same(loss, E + E_SECOND)
    (dW1, _), (dW2, _) = network.views(gradient)
    same(dW1, SUM_DW1)
    same(dW2, SUM_DW2)
    result = trained(engine, network, X, Y, batch="all")
    (new_W1, _), (new_W2, _) = network.views(result.parameters)
    same(new_W1, SUM_NEW_W1)
    same(new_W2, SUM_NEW_W2)


def test_the_mean_over_the_examples_is_half_of_the_sum_of_two(engine):
    loss, gradient = tw.loss_and_gradient(NETWORK, P, X1 + X2, Y1 + Y2, engine=engine)
    same(loss, (E + E_SECOND) / 2)
    (dW1, _), (dW2, _) = NETWORK.views(gradient)
    same(dW1, np.array(SUM_DW1) / 2)
    same(dW2, np.array(SUM_DW2) / 2)


@pytest.mark.parametrize("seed", range(3))
def test_the_network_learns_to_tell_the_two_apart(engine, seed):
    result = tw.train(
        NETWORK, X1 + X2, Y1 + Y2, optimizer=tw.GradientDescent(5.0), batch=1, order="sweep",
        stop=tw.Stop(epochs=400), engine=engine, dtype="float64", seed=seed,
    )  # fmt: skip
    assert tw.predict(NETWORK, result.parameters, X1 + X2, engine=engine).argmax(axis=1).tolist() == [1, 0]
    assert result.history.loss[-1] < 0.05
