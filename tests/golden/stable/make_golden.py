#!/usr/bin/env python3
"""Reference values of the standard symmetric stable law, for crates/stats.

    pip install mpmath==1.3.0 && python3 make_golden.py > standard_law.csv   (ten minutes)

Columns: alpha, x, pdf, sf (survival function), 20 digits each, of the law with
characteristic function exp(-|t|^alpha).  Neither method below is the one in
crates/stats, and a line is written only where both agree to 15 digits:

A. the power series at zero or at infinity, with as many digits as the
   cancellation eats, or, where neither reaches 25 digits, the inversion integral
   of the characteristic function, half a wave at a time;
B. Nolan (1997), theorem 1: the integral over theta of a positive function, by
   tanh-sinh quadrature on both sides of its peak.

At alpha = 1, alpha = 2 and x = 0 there are closed forms.
"""

import sys

from mpmath import atan, cos, erfc, exp, factorial, gamma, log, mp, mpf, pi, quad, sin, sqrt

ALPHAS = ["0.2", "0.5", "0.6", "0.75", "0.9", "0.99", "0.999999", "1", "1.000001",
          "1.01", "1.1", "1.25", "1.5", "1.75", "1.9", "1.95", "1.99", "1.999",
          "1.99999", "1.99999999", "1.999999999999", "2"]
XS = ["0", "0.001", "0.01", "0.1", "0.3", "0.7", "1", "1.5", "2", "3", "4", "5", "6",
      "7", "8", "10", "12", "14", "17", "20", "25", "35", "60", "100", "1000", "10000"]


def summed(term, first):
    """Sum of term(k), k = first, first + 1, ..., either to the end or up to its
    smallest term (some of these series are asymptotic only), with as many
    digits as the cancellation eats; None where 25 digits are out of reach."""
    digits = 60
    while digits < 2000:
        with mp.workdps(digits):
            total, peak, tail = mpf(0), mpf(0), []
            for k in range(first, first + 4000):
                value = term(k)
                tail = tail[-3:] + [abs(value)]
                if k > first + 50 and min(tail) > max(tail[0], peak / 10) and tail[-1] > tail[0]:
                    break
                total += value
                peak = max(peak, abs(value))
                if k > first + 8 and max(tail) < abs(total) * mpf(10) ** (-25):
                    lost = int(log(peak / abs(total), 10)) if peak else 0
                    if digits - lost > 30:
                        return total
                    digits = lost + 40
                    break
            else:
                return None
            if max(tail) >= abs(total) * mpf(10) ** (-25):
                return None
    return None


def series(alpha, x):
    """Method A where it reaches: the series at zero or at infinity."""
    def at_zero(k):
        return ((-1) ** k * gamma((2 * k + 1) / alpha) / factorial(2 * k) * x ** (2 * k))

    def at_zero_integrated(k):
        if k == 0:
            return pi * alpha / 2
        return -at_zero(k - 1) * x / (2 * k - 1)

    def at_infinity(k):
        return ((-1) ** (k + 1) * sin(k * pi * alpha / 2) * gamma(alpha * k + 1)
                / factorial(k) * x ** (-alpha * k - 1))

    def at_infinity_integrated(k):
        return at_infinity(k) * x / (alpha * k)

    def both(scale, density, survival, first):
        one = summed(density, first)
        other = None if one is None else summed(survival, first)
        return None if other is None else (one / scale, other / scale)

    zero = lambda: both(pi * alpha, at_zero, at_zero_integrated, 0)
    infinity = lambda: both(pi, at_infinity, at_infinity_integrated, 1)
    order = [zero, infinity] if (alpha > 1) == (x < 30) else [infinity, zero]
    return order[0]() or order[1]()


def fourier(alpha, x):
    """Method A elsewhere: the inversion integral, half a wave at a time."""
    end = mpf(90) ** (1 / alpha)
    cuts = [mpf(0)]
    while cuts[-1] < end:
        cuts.append(cuts[-1] + pi / x if x > mpf(1) / 4 else cuts[-1] + 2)
    pdf = quad(lambda t: cos(x * t) * exp(-t ** alpha), cuts) / pi
    cdf = quad(lambda t: sin(x * t) / t * exp(-t ** alpha) if t else x, cuts) / pi
    return pdf, mpf(1) / 2 - cdf


def nolan(alpha, x):
    """Method B."""
    ratio = alpha / (alpha - 1)

    def ln_v(theta):
        return (ratio * log(cos(theta) / sin(alpha * theta))
                + log(cos((alpha - 1) * theta) / cos(theta)))

    def ln_g(theta):
        return ratio * log(x) + ln_v(theta)

    # ln g is monotone; the density integrand peaks at ln g = 0.  The levels on
    # either side cut the interval where the integrand changes its shape.
    low = mpf(10) ** (-40)
    cuts = {mpf(0), pi / 2}
    for level in (-60, -30, -15, -7, -3, -1, 0, 1, 2, 3, 4, 5):
        a, b = low, pi / 2 - mpf(10) ** (-40)
        fa = ln_g(a) - level
        if fa * (ln_g(b) - level) > 0:
            continue
        for _ in range(400):
            middle = sqrt(a * b) if b / a > 4 else (a + b) / 2
            if pi / 2 - a < mpf(1) / 4 and (pi / 2 - a) / (pi / 2 - b) > 4:
                middle = pi / 2 - sqrt((pi / 2 - a) * (pi / 2 - b))
            if (ln_g(middle) - level) * fa > 0:
                a = middle
            else:
                b = middle
            if b - a < mpf(10) ** (-20) * min(a, pi / 2 - a):
                break
        cuts.add((a + b) / 2)
    cuts = sorted(cuts)

    def density(theta):
        if theta <= 0 or theta >= pi / 2:
            return mpf(0)
        value = ln_g(theta)
        return mpf(0) if value > 8 else exp(value - exp(value))

    def distribution(theta):
        if theta <= 0 or theta >= pi / 2:
            return mpf(0)
        value = ln_g(theta)
        # alpha > 1: integral of exp(-g) is pi times the survival function;
        # alpha < 1: of 1 - exp(-g), likewise.
        if alpha > 1:
            return mpf(0) if value > 8 else exp(-exp(value))
        return mpf(1) if value > 8 else -mp.expm1(-exp(value))

    pdf = alpha / (pi * abs(alpha - 1) * x) * quad(density, cuts)
    sf = quad(distribution, cuts) / pi
    return pdf, sf


def closed_form(alpha, x):
    if alpha == 1:
        sf = atan(1 / x) / pi if x > 0 else mpf(1) / 2
        return 1 / (pi * (1 + x * x)), sf
    return exp(-x * x / 4) / (2 * sqrt(pi)), erfc(x / 2) / 2


def at_zero(alpha):
    return gamma(1 + 1 / alpha) / pi, mpf(1) / 2


def agree(one, other):
    return all(abs(a - b) <= mpf(10) ** (-15) * abs(a) for a, b in zip(one, other))


def main():
    mp.dps = 50
    print("alpha,x,pdf,sf")
    for alpha_text in sys.argv[1:] or ALPHAS:
        # The double nearest to the text is what the Rust side will read.
        alpha = mpf(float(alpha_text))
        for x_text in XS:
            x = mpf(float(x_text))
            if x == 0:
                value = at_zero(alpha)
            elif alpha in (1, 2):
                value = closed_form(alpha, x)
            else:
                value = nolan(alpha, x)
                other = series(alpha, x) or fourier(alpha, x)
                if not agree(value, other):
                    print("differ", alpha_text, x_text, mp.nstr(value[0], 20), mp.nstr(other[0], 20),
                          mp.nstr(value[1], 20), mp.nstr(other[1], 20), file=sys.stderr)
                    continue
            print(",".join([alpha_text, x_text, mp.nstr(value[0], 20), mp.nstr(value[1], 20)]),
                  flush=True)


if __name__ == "__main__":
    main()
