#!/usr/bin/env python3
"""Reference values of the standard symmetric stable law, for crates/stats.

    pip install mpmath==1.3.0
    python3 make_golden.py > standard_law.csv                 (ten minutes)
    python3 make_golden.py small > small_alpha.csv            (five minutes)
    python3 make_golden.py quantile > standard_quantile.csv   (eight minutes)
    python3 make_golden.py quantile 1.9 1.99                  (these alphas only)

Columns: alpha, x, pdf, sf (survival function), or alpha, p, quantile, 20 digits
each, of the law with characteristic function exp(-|t|^alpha).  Neither method
below is the one in crates/stats, and a line is written only where both agree to
15 digits:

A. the power series at zero or at infinity, with as many digits as the
   cancellation eats, or, where neither reaches 25 digits, the inversion integral
   of the characteristic function, half a wave at a time;
B. Nolan (1997), theorem 1: the integral over theta of a positive function, by
   tanh-sinh quadrature on both sides of its peak.

At alpha = 1, alpha = 2 and x = 0 there are closed forms.  Quantiles are roots of
the survival function of A; a last step of Newton's method by either method must
lead to the same 15 digits.  For small alpha both fail somewhere (B at the centre,
in the far tail one of them), which costs 19 of 200 lines.
"""

import cmath
import math
import sys

from mpmath import atan, cos, erfc, exp, factorial, gamma, log, mp, mpf, pi, quad, sin, sqrt

ALPHAS = ["0.2", "0.5", "0.6", "0.75", "0.9", "0.99", "0.999999", "1", "1.000001",
          "1.01", "1.1", "1.25", "1.5", "1.75", "1.9", "1.95", "1.99", "1.999",
          "1.99999", "1.99999999", "1.999999999999", "2"]
XS = ["0", "0.001", "0.01", "0.1", "0.3", "0.7", "1", "1.5", "2", "3", "4", "5", "6",
      "7", "8", "10", "12", "14", "17", "20", "25", "35", "60", "100", "1000", "10000"]

SMALL_ALPHAS = ["1e-300", "1e-16", "1e-8", "0.001", "0.003", "0.01", "0.05", "0.1", "0.3", "0.45"]
SMALL_XS = ["0", "1e-300", "1e-200", "1e-100", "1e-60", "1e-30", "1e-20", "1e-10", "1e-5", "0.001",
            "0.03", "0.3", "1", "3", "30", "1000", "1e10", "1e30", "1e100", "1e300"]

PS = ["1e-12", "1e-6", "0.001", "0.01", "0.1", "0.25", "0.4", "0.49", "0.4999999",
      "0.5000001", "0.6", "0.9", "0.999", "0.999999"]


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


def law(alpha, x):
    """The pairs (pdf, sf) of both methods, one function each."""
    if alpha in (1, 2):
        return (lambda: closed_form(alpha, x),) * 2
    return lambda: series(alpha, x) or fourier(alpha, x), lambda: nolan(alpha, x)


def guess(alpha, tail):
    """Logarithm of the quantile to some digits: bisection, with the Fourier
    integral on a ray of the complex plane in double precision."""
    def sf(ln_x):
        total, v = 0.0, -math.log(40 / alpha)
        while v < 6:
            ln_r = -max(ln_x, 0.0) + v - math.exp(-v)
            ray = complex(0, math.pi / 8)
            decay = cmath.exp(alpha * (ln_r + ray))
            exponent = 1j * cmath.exp(ln_x + ln_r + ray) - decay
            if exponent.real > -700:
                total -= cmath.exp(exponent).imag * (1 + math.exp(-v)) * 0.05
            v += 0.05
        # Half of the residue at 0 is in the part of the arc.
        return 0.5 - (math.pi / 8 - total) / math.pi
    low, high = -45.0, 30 / alpha
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if sf(middle) > tail else (low, middle)
    return mpf(low)


def quantile(alpha, p):
    """The pair of quantiles by both methods."""
    tail = min(p, 1 - p)

    def newton(ln_x, pair):
        pdf, sf = pair
        x = exp(ln_x)
        if p > mpf(1) / 4 and p < mpf(3) / 4:
            half = mpf(1) / 2
            return ln_x + log((half - tail) / (half - sf)) * (half - sf) / (pdf * x)
        return ln_x + log(sf / tail) * sf / (pdf * x)

    if alpha == 1:
        ln_x = log(1 / mp.tan(pi * tail))
    elif alpha == 2:
        ln_x = log(2 * mp.erfinv(1 - 2 * tail))
    else:
        ln_x = guess(float(alpha), float(tail))
        for _ in range(30):
            last, ln_x = ln_x, newton(ln_x, law(alpha, exp(ln_x))[0]())
            if abs(ln_x - last) < mpf(10) ** (-12):
                break
    sign = -1 if p < mpf(1) / 2 else 1
    return [sign * exp(newton(ln_x, method())) for method in law(alpha, exp(ln_x))]


def write(texts, one, other):
    if agree(one, other):
        print(",".join([*texts, *(mp.nstr(value, 20) for value in one)]), flush=True)
    else:
        digits = [mp.nstr(value, 20) for pair in zip(one, other) for value in pair]
        print("differ", *texts, *digits, file=sys.stderr)


def write_law(alphas, xs):
    print("alpha,x,pdf,sf")
    for alpha_text in alphas:
        # The double nearest to the text is what the Rust side will read.
        alpha = mpf(float(alpha_text))
        for x_text in xs:
            x = mpf(float(x_text))
            one, other = law(alpha, x) if x else (lambda: at_zero(alpha),) * 2
            write([alpha_text, x_text], other(), one())


def write_quantiles(alphas):
    print("alpha,p,quantile")
    for alpha_text in alphas:
        for p_text in PS:
            one, other = quantile(mpf(float(alpha_text)), mpf(float(p_text)))
            write([alpha_text, p_text], [one], [other])


def main():
    mp.dps = 50
    what, *alphas = sys.argv[1:] or ["law"]
    if what == "law":
        write_law(alphas or ALPHAS, XS)
    elif what == "small":
        write_law(alphas or SMALL_ALPHAS, SMALL_XS)
    elif what == "quantile":
        # B finds nothing in the tail of the last but one.
        write_quantiles(alphas or [a for a in ALPHAS if a != "1.999999999999"])
    else:
        sys.exit(f"law, small or quantile, not {what}")


if __name__ == "__main__":
    main()
