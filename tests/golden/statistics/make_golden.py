#!/usr/bin/env python3
"""Fits, distances, adjusted p-values and survival curves by SciPy, statsmodels and lifelines, for crates/stats and
crates/escape.

    pip install scipy==1.17.1 statsmodels==0.15.0 lifelines==0.30.3
    python3 make_golden.py > golden.json                      (five minutes)

Likelihoods are those of SciPy's densities, climbed by its Nelder-Mead method from three starts each until parameters
move by less than 1e-10; nothing of this project is used.
"""
import json
import sys
import warnings

import numpy as np
from lifelines import ExponentialFitter, KaplanMeierFitter, WeibullFitter
from scipy import optimize, stats
from statsmodels.stats.multitest import multipletests

warnings.simplefilter("ignore")
rng = np.random.default_rng(20260101)


def maximise(ln_density, starts):
    """Parameters of greatest likelihood, of which the first and the last are given by their logarithms."""
    best = None
    for start in starts:
        options = dict(xatol=1e-10, fatol=1e-12, maxiter=4000, maxfev=4000)
        found = optimize.minimize(lambda p: -ln_density(p), start, method="Nelder-Mead", options=options)
        if best is None or found.fun < best.fun:
            best = found
    shape, location, scale = best.x
    return [float(np.exp(shape)), float(location), float(np.exp(scale))], float(-best.fun)


def fits(x):
    centre, spread = np.median(x), np.log(np.subtract(*np.percentile(x, [75, 25])) / 1.349)
    starts = [(shape, centre, spread) for shape in (0.0, 0.5, 1.5)]
    result = {}
    for name, law in [("student_t", stats.t), ("generalised_gaussian", stats.gennorm)]:
        ln_density = lambda p: np.sum(law.logpdf(x, np.exp(p[0]), p[1], np.exp(p[2])))
        result[name] = maximise(ln_density, starts)
    location, scale = stats.norm.fit(x)
    result["gaussian"] = [location, scale], float(np.sum(stats.norm.logpdf(x, location, scale)))
    location, scale = stats.laplace.fit(x)
    result["laplace"] = [location, scale], float(np.sum(stats.laplace.logpdf(x, location, scale)))
    return result


def distances(x, law):
    """Of a law that is known: KS as sqrt(n) D, Cramér-von Mises, Anderson-Darling."""
    u = np.sort(law.cdf(x))
    n = len(u)
    known = dict(known_params={"loc": law.mean(), "scale": law.std()}, n_mc_samples=1)
    return {
        "ks": float(np.sqrt(n) * stats.kstest(x, law.cdf).statistic),
        "cramer_von_mises": float(stats.cramervonmises(x, law.cdf).statistic),
        "anderson_darling": float(stats.goodness_of_fit(stats.norm, x, statistic="ad", **known).statistic),
    }


def stable(alpha, x):
    """Parameters of greatest likelihood by SciPy's density of the stable law, to some 1e-4."""
    x = np.asarray(x)
    unit = np.subtract(*np.percentile(x, [75, 25])) / 2
    def negative(p):
        a = 2 / (1 + np.exp(-p[0]))
        return -np.sum(stats.levy_stable.logpdf(x / unit, a, 0, p[1], np.exp(p[2])))
    start = (np.log(alpha / (2 - alpha)), np.median(x) / unit, 0.0)
    found = optimize.minimize(negative, start, method="Nelder-Mead", options=dict(xatol=1e-6, fatol=1e-8))
    a = 2 / (1 + np.exp(-found.x[0]))
    law = [a, unit * np.exp(found.x[2]), unit * found.x[1]]
    return [float(p) for p in law], float(-found.fun - len(x) * np.log(unit))


def exits(shape, horizon, check_every, n):
    """Weibull times that are seen by the next check, and lifelines on them."""
    times = np.ceil(200 * rng.weibull(shape, n) / check_every) * check_every
    exited = times <= horizon
    times = np.where(exited, times, horizon)
    curve = KaplanMeierFitter().fit(times, exited)
    at = sorted(set(times[exited]))
    low, high = (curve.confidence_interval_[name] for name in curve.confidence_interval_)
    lower = np.where(exited, times - check_every, horizon)
    upper = np.where(exited, times, np.inf)
    weibull = WeibullFitter().fit_interval_censoring(lower, upper)
    exponential = ExponentialFitter().fit_interval_censoring(lower, upper)
    return {
        "check_every": check_every,
        "times": [int(t) for t in times],
        "exited": [bool(e) for e in exited],
        "survival": [[int(t), float(curve.predict(t)), float(low[t]), float(high[t])] for t in at],
        "weibull": [float(weibull.lambda_), float(weibull.rho_), float(weibull.log_likelihood_)],
        "exponential": [float(exponential.lambda_), float(exponential.log_likelihood_)],
    }


series = {
    "gaussian": stats.norm.rvs(0.2, 1.5, 200, random_state=rng),
    "student": stats.t.rvs(3, -1, 0.01, 200, random_state=rng),
    "laplace": stats.laplace.rvs(5, 2, 200, random_state=rng),
    "light": stats.gennorm.rvs(3.5, 0, 1, 200, random_state=rng),
    "stable": stats.levy_stable.rvs(1.6, 0, 0, 1, 200, random_state=rng),
}
series = {name: [float(f"{value:.9g}") for value in values] for name, values in series.items()}
p_values = [float(f"{p:.9g}") for p in np.sort(rng.uniform(size=40) ** 3)]
rng.shuffle(p_values)
golden = {
    "series": series,
    "fits": {name: fits(np.array(values)) for name, values in series.items()},
    "stable": {name: stable(1.7, series[name]) for name in ("student", "laplace", "stable")},
    "distances": distances(np.array(series["gaussian"]), stats.norm(0.1, 1.4)),
    "p_values": p_values,
    "benjamini_hochberg": list(map(float, multipletests(p_values, method="fdr_bh")[1])),
    "benjamini_yekutieli": list(map(float, multipletests(p_values, method="fdr_by")[1])),
    "exits": [exits(1.0, 400, 1, 60), exits(0.6, 300, 10, 80), exits(1.5, 250, 25, 50)],
}
json.dump(golden, sys.stdout, indent=1)
print()
