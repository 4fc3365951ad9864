"""Fits of the symmetric stable law by several tools on the same samples.

Prints for each tool the time per fit, its ratio to ours, the root mean squared
error of alpha and that error over the Cramer-Rao bound. Every tool estimates
alpha, scale and location with beta = 0. Run it through compare_peers.sh.
"""

import argparse
import multiprocessing
import os
import subprocess
import tempfile
import time
import warnings

import numpy as np
from scipy.special import gamma

warnings.filterwarnings("ignore")


def draw(alpha, n_series, n_samples):
    """Chambers, Mallows and Stuck (1976), seeded."""
    rng = np.random.default_rng(int(1000 * alpha))
    angle = np.pi * (rng.random((n_series, n_samples)) - 0.5)
    waiting = rng.exponential(size=(n_series, n_samples))
    if alpha == 1:
        return np.tan(angle)
    factor = (np.cos((1 - alpha) * angle) / waiting) ** ((1 - alpha) / alpha)
    return np.sin(alpha * angle) / np.cos(angle) ** (1 / alpha) * factor


def density_jet(alpha, x):
    """Density with its derivatives by x and alpha, for 0 < x < 40: Fourier integrals."""
    step = 2e-3
    t = (np.arange(int(8 ** (2 / alpha) / step)) + 0.5) * step
    weight = np.exp(-(t**alpha)) * step / np.pi
    by_alpha = -weight * t**alpha * np.log(t)
    rows = [
        (np.cos(x_ * t) @ weight, -np.sin(x_ * t) @ (t * weight), np.cos(x_ * t) @ by_alpha)
        for x_ in x
    ]
    return np.array(rows).T


def tail_jet(alpha, x):
    """The same from the series at infinity."""

    def pdf(alpha, x):
        k = np.arange(1, 9)[:, None]
        signs = np.sin(k * np.pi * (2 - alpha) / 2)
        return (gamma(alpha * k + 1) / gamma(k + 1) * signs * x ** (-alpha * k - 1)).sum(0) / np.pi

    h = 1e-5
    by_x = (pdf(alpha, x * (1 + h)) - pdf(alpha, x * (1 - h))) / (2 * h * x)
    by_alpha = (pdf(alpha + h, x) - pdf(alpha - h, x)) / (2 * h)
    return np.array([pdf(alpha, x), by_x, by_alpha])


def cramer_rao(alpha):
    """Least standard deviation of alpha times the root of the number of samples."""
    # Over v = ln x the integrands are smooth.
    v, step = np.linspace(-7, 25, 1601, retstep=True)
    x = np.exp(v)
    near = x < 30
    f, by_x, by_alpha = np.hstack([density_jet(alpha, x[near]), tail_jet(alpha, x[~near])])
    scores = np.array([by_alpha / f, -1 - x * by_x / f])
    information = (scores * (2 * f * x * step)) @ scores.T
    return np.sqrt(np.linalg.inv(information)[0, 0])


def ours(program, samples):
    with tempfile.NamedTemporaryFile() as file:
        file.write(np.ascontiguousarray(samples, dtype="<f8").tobytes())
        file.flush()
        command = [program, file.name, str(samples.shape[1])]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
    alphas = [float(line.split()[0]) for line in result.stdout.splitlines()]
    return np.array(alphas), float(result.stderr)


def levy_stable(samples):
    from levy.fitting import fit_levy

    parameters, _ = fit_levy(samples, beta=0.0)
    return parameters.get("0")[0]


def levy_stable_jax(samples):
    from levy_stable_jax import Params
    from levy_stable_jax.estimation import fit_ll
    import jax.numpy as jnp

    return float(fit_ll(jnp.array(samples), Params.N0, beta=0.0)[0])


def scipy_quantiles(samples):
    from scipy.stats import _levy_stable

    return _levy_stable._fitstart_S0(samples)[0]


def scipy_fit(samples):
    from scipy.stats import levy_stable

    return levy_stable.fit(samples, f1=0)[0]


def timed(tool, samples):
    """Estimates and seconds per fit; the first fit, which compiles and loads, is repeated.

    Seconds of this process on the core, so that other work on the machine does not count.
    """
    tool(samples[0])
    begin = time.process_time()
    alphas = [tool(series) for series in samples]
    return np.array(alphas), (time.process_time() - begin) / len(samples)


def one_fit(samples, queue):
    begin = time.process_time()
    alpha = scipy_fit(samples)
    queue.put((alpha, time.process_time() - begin))


def timed_once(samples, limit):
    """One fit in a process of its own, given up after `limit` seconds."""
    queue = multiprocessing.Queue()
    process = multiprocessing.Process(target=one_fit, args=(samples, queue))
    process.start()
    process.join(limit)
    if process.is_alive():
        process.terminate()
        return None, limit
    return queue.get()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", help="the example fit_series")
    parser.add_argument("--n-series", type=int, default=200, help="fits by us")
    parser.add_argument(
        "--n-peer-fits", type=int, default=60, help="fits by the slow peers at N = 1000"
    )
    parser.add_argument("--scipy-limit", type=float, default=600, help="seconds for its one fit")
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    print("| alpha | N | tool | fits | time per fit | ratio | RMSE | RMSE / CRB |")
    print("|---|---|---|---|---|---|---|---|")
    for alpha, n_samples in [(1.2, 1000), (1.5, 1000), (1.9, 1000), (1.5, 10_000)]:
        samples = draw(alpha, arguments.n_series, n_samples)
        n_slow_fits = arguments.n_peer_fits if n_samples == 1000 else arguments.n_peer_fits // 3
        bound = cramer_rao(alpha) / np.sqrt(n_samples)
        alphas, own_seconds = ours(arguments.program, samples)

        def row(tool, alphas, seconds, prefix=""):
            error = np.sqrt(np.mean((alphas - alpha) ** 2))
            efficiency = f"{error / bound:.2f}" if len(alphas) > 1 else "–"
            print(
                f"| {alpha} | {n_samples} | {tool} | {len(alphas)} | {prefix}{seconds:.3g} s "
                f"| {prefix}{seconds / own_seconds:.3g} | {error:.4f} | {efficiency} |",
                flush=True,
            )

        row("noisescope", alphas, own_seconds)
        for name, tool, n_fits in [
            ("levy-stable (pylevy), maximum likelihood", levy_stable, n_slow_fits),
            ("levy-stable-jax, maximum likelihood", levy_stable_jax, n_slow_fits),
            ("SciPy, McCulloch's quantiles (its start)", scipy_quantiles, 200),
        ]:
            try:
                row(name, *timed(tool, samples[:n_fits]))
            except Exception as error:
                print(f"| {alpha} | {n_samples} | {name} | 0 | {type(error).__name__}: {error} |")
        if alpha == 1.5 and n_samples == 1000 and arguments.scipy_limit > 0:
            alpha_hat, seconds = timed_once(samples[0], arguments.scipy_limit)
            if alpha_hat is None:
                ratio = seconds / own_seconds
                print(f"| {alpha} | {n_samples} | SciPy, maximum likelihood | 0 | > {seconds:.3g} s "
                      f"(given up) | > {ratio:.3g} | – | – |", flush=True)
            else:
                row("SciPy, maximum likelihood", np.array([alpha_hat]), seconds)


if __name__ == "__main__":
    main()
