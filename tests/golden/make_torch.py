"""Makes torch.json: losses, gradients and optimizer walks as PyTorch computes them. Run it where torch is installed:

    python tests/golden/make_torch.py

torch.json was made with torch 2.13.0 (CPU, float64). The tests need the file, not torch.
"""

import json
from pathlib import Path


N, SIZES = 11, [3, 7, 2]
STEPS = 20
FILE = Path(__file__).with_name("torch.json")


def main() -> None:
    """Compute everything and write the file."""
    import torch  # pyright: ignore[reportMissingImports]

    torch.set_default_dtype(torch.float64)
    F = torch.nn.functional
    random = torch.Generator().manual_seed(2013)

    def draw(*shape):
        return (torch.randn(*shape, generator=random) * 1000).round() / 1000  # short numbers in the file

    X, Y = draw(N, SIZES[0]), draw(N, SIZES[-1])
    data = {
        "X": X,
        "Y": Y,
        "binary": (Y > 0).double(),
        "classes": Y.argmax(dim=1),
        "shares": torch.stack([(Y[:, 0].abs() % 1.0), 1.0 - (Y[:, 0].abs() % 1.0)], dim=1),
        "counts": (Y.abs() * 3).round(),
        "weights": (draw(N).abs() * 10).round() / 10,
    }
    W1, b1, W2, b2 = draw(SIZES[0], SIZES[1]), draw(SIZES[1]), draw(SIZES[1], SIZES[2]) / 2, draw(SIZES[2])

    activations = {
        "identity": lambda a: a,
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": F.relu,
        "leaky_relu": lambda a: F.leaky_relu(a, 0.01),
        "elu": F.elu,
        "selu": F.selu,
        "gelu": lambda a: F.gelu(a, approximate="none"),
        "silu": F.silu,
        "mish": F.mish,
        "softplus": F.softplus,
        "exp": torch.exp,
    }

    def squared(out, y):
        return F.mse_loss(out, y, reduction="none").sum(dim=1)

    def quantile(out, y):
        return torch.where(y > out, 0.9 * (y - out), 0.1 * (out - y)).sum(dim=1)

    # name -> (output, loss, its parameter, targets, E of each row from what enters the output activation)
    losses = {
        "squared_error": ("identity", "squared_error", None, "Y", squared),
        "half_squared_error": ("identity", "half_squared_error", None, "Y", lambda a, y: 0.5 * squared(a, y)),
        "squared_error_sigmoid": ("sigmoid", "squared_error", None, "binary", lambda a, y: squared(a.sigmoid(), y)),
        "squared_error_softmax": ("softmax", "squared_error", None, "shares", lambda a, y: squared(a.softmax(1), y)),
        "absolute_error": (
            "identity", "absolute_error", None, "Y", lambda a, y: F.l1_loss(a, y, reduction="none").sum(dim=1),
        ),
        "huber": (
            "identity", "huber", 1.0, "Y", lambda a, y: F.huber_loss(a, y, reduction="none", delta=1.0).sum(dim=1),
        ),
        "huber_short": (
            "identity", "huber", 0.3, "Y", lambda a, y: F.huber_loss(a, y, reduction="none", delta=0.3).sum(dim=1),
        ),
        "quantile": ("identity", "quantile", 0.9, "Y", quantile),
        "poisson": (
            "exp", "poisson", None, "counts",
            lambda a, y: F.poisson_nll_loss(a, y, log_input=True, full=False, reduction="none").sum(dim=1),
        ),
        "binary_cross_entropy": (
            "sigmoid", "binary_cross_entropy", None, "binary",
            lambda a, y: F.binary_cross_entropy_with_logits(a, y, reduction="none").sum(dim=1),
        ),
        "cross_entropy": (
            "softmax", "cross_entropy", None, "classes", lambda a, y: F.cross_entropy(a, y, reduction="none"),
        ),
        "cross_entropy_shares": (
            "softmax", "cross_entropy", None, "shares", lambda a, y: F.cross_entropy(a, y, reduction="none"),
        ),
    }  # fmt: skip

    def parameters(bias):
        chosen = [W1, b1, W2, b2] if bias else [W1, W2]
        return [part.clone().requires_grad_(True) for part in chosen]

    def flat(parts):
        return torch.cat([part.detach().reshape(-1) for part in parts]).tolist()

    def forward(parts, g):
        if len(parts) == 2:
            return g(X @ parts[0]) @ parts[1]
        return g(X @ parts[0] + parts[1]) @ parts[2] + parts[3]

    def evaluate(g, E, targets, weights=None, l2=0.0):
        parts = parameters(bias=True)
        each = E(forward(parts, g), data[targets])
        loss = each.mean() if weights is None else (weights * each).sum() / weights.sum()
        loss = loss + 0.5 * l2 * sum((part**2).sum() for part in parts if part.dim() == 2)
        return {"loss": loss.item(), "gradient": flat(torch.autograd.grad(loss, parts))}

    optimizers = {
        "GradientDescent": ({"learning_rate": 0.05}, lambda p: torch.optim.SGD(p, lr=0.05)),
        "momentum": (
            {"learning_rate": 0.02, "momentum": 0.9}, lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9),
        ),
        "nesterov": (
            {"learning_rate": 0.02, "momentum": 0.9, "nesterov": True},
            lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True),
        ),
        "RMSprop": (
            {"learning_rate": 0.01, "rho": 0.95, "epsilon": 1e-6},
            lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.95, eps=1e-6),
        ),
        "Adam": (
            {"learning_rate": 0.03, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-5},
            lambda p: torch.optim.Adam(p, lr=0.03, betas=(0.8, 0.99), eps=1e-5),
        ),
        "AdamW": (
            {"learning_rate": 0.03, "weight_decay": 0.1},
            lambda p: torch.optim.AdamW(p, lr=0.03, weight_decay=0.1),
        ),
    }  # fmt: skip

    def walk(make):
        parts = parameters(bias=False)
        optimizer, values, places = make(parts), [], {}
        for step in range(1, STEPS + 1):
            optimizer.zero_grad()
            loss = squared(forward(parts, torch.tanh), data["Y"]).mean()
            loss.backward()
            optimizer.step()
            values.append(loss.item())
            if step in (1, 2, STEPS):
                places[str(step)] = flat(parts)
        return {"losses": values, "parameters": places}

    weighted = {"weights": data["weights"], "l2": 0.3}
    golden = {
        "torch": torch.__version__,
        "sizes": SIZES,
        "steps": STEPS,
        "data": {name: array.tolist() for name, array in data.items()},
        "parameters": flat([W1, b1, W2, b2]),
        "parameters_without_bias": flat([W1, W2]),
        "activations": {name: evaluate(g, squared, "Y") for name, g in activations.items()},
        "losses": {
            name: {
                "output": output, "loss": loss, "parameter": parameter, "targets": targets,
                "plain": evaluate(torch.tanh, E, targets), "weighted": evaluate(torch.tanh, E, targets, **weighted),
            }
            for name, (output, loss, parameter, targets, E) in losses.items()
        },
        "optimizers": {
            name: {"settings": settings, **walk(make)} for name, (settings, make) in optimizers.items()
        },
    }  # fmt: skip
    FILE.write_text(json.dumps(golden, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
