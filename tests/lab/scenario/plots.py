# SPDX-License-Identifier: BSD-3-Clause
"""Small plots as inline SVG: lines and bands over an axis, and dots in rows. Nothing but text is made here."""

import html
import math

COLOURS = ["#1f6f8b", "#d1495b", "#66a182", "#edae49", "#6c4f77", "#8d96a3"]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 260, 64, 150, 14, 36


def nice_step(span, count=5):
    raw = max(span, 1e-9) / count
    power = 10 ** math.floor(math.log10(raw))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= raw)


def number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.6g}"


class Axes:
    """Maps data to the picture. `log_y` for times that span decades."""

    def __init__(self, xs, ys, log_y=False, label_x=number):
        self.x0, self.x1 = min(xs), max(max(xs), min(xs) + 1e-9)
        self.log_y = log_y
        low, high = min(ys), max(max(ys), 1e-9)
        if log_y:
            self.y0, self.y1 = math.floor(math.log10(max(low, 1e-9))), math.ceil(math.log10(high))
            self.y1 = max(self.y1, self.y0 + 1)
        else:
            self.y0, self.y1 = min(0.0, low), high * 1.06
        self.label_x = label_x

    def x(self, value):
        return LEFT + (value - self.x0) / (self.x1 - self.x0) * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        value = math.log10(max(value, 10 ** self.y0)) if self.log_y else value
        return HEIGHT - BOTTOM - (value - self.y0) / (self.y1 - self.y0) * (HEIGHT - TOP - BOTTOM)

    def frame(self, title_x, title_y, step_x=None):
        parts = []
        ticks = ([10.0 ** n for n in range(self.y0, self.y1 + 1)] if self.log_y else
                 steps(self.y0, self.y1, nice_step(self.y1 - self.y0)))
        for tick in ticks:
            at = self.y(tick)
            parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" class="grid"/>'
                         f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{number(tick)}</text>')
        for tick in steps(self.x0, self.x1, step_x or nice_step(self.x1 - self.x0, 8)):
            parts.append(f'<text x="{self.x(tick):.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">'
                         f'{html.escape(self.label_x(tick))}</text>')
        parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 4}" text-anchor="middle">{html.escape(title_x)}</text>'
                     f'<text transform="translate(13 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{html.escape(title_y)}</text>')
        return "".join(parts)


def steps(low, high, step):
    first = math.ceil(low / step - 1e-9)
    return [n * step for n in range(first, int(math.floor(high / step + 1e-9)) + 1)]


def legend(names):
    rows = [f'<rect x="{WIDTH - RIGHT + 10}" y="{TOP + 18 * n}" width="12" height="12" fill="{colour}"/>'
            f'<text x="{WIDTH - RIGHT + 27}" y="{TOP + 18 * n + 10}">{html.escape(name)}</text>'
            for n, (name, colour) in enumerate(names)]
    return "".join(rows)


def svg(body):
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{body}</svg>'


def lines(series, title_x, title_y, bands=(), marks=(), log_y=False, label_x=number, step_x=None):
    """`series`: {name: [(x, y)]}; `bands`: [(name, [(x, low, high)])]; `marks`: [(x, text)] vertical lines."""
    points = [p for rows in series.values() for p in rows] + [(x, y) for _, rows in bands for x, *ys in rows for y in ys]
    if not points:
        return ""
    axes = Axes([p[0] for p in points], [p[1] for p in points], log_y, label_x)
    body, names = [axes.frame(title_x, title_y, step_x)], []
    for n, (name, rows) in enumerate(bands):
        colour = COLOURS[n % len(COLOURS)]
        outline = [(x, high) for x, _, high in rows] + [(x, low) for x, low, _ in reversed(rows)]
        body.append(f'<polygon points="{path(axes, outline)}" fill="{colour}" fill-opacity="0.22"/>')
        names.append((name, colour + "55"))
    for n, (name, rows) in enumerate(series.items()):
        colour = COLOURS[(n + (1 if len(bands) == 1 else 0)) % len(COLOURS)]
        body.append(f'<polyline points="{path(axes, rows)}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        if len(rows) < 60:
            body += [f'<circle cx="{axes.x(x):.1f}" cy="{axes.y(y):.1f}" r="2.6" fill="{colour}"/>' for x, y in rows]
        names.append((name, colour))
    for x, text in marks:
        if axes.x0 <= x <= axes.x1:
            body.append(f'<line x1="{axes.x(x):.1f}" x2="{axes.x(x):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" class="mark"/>'
                        f'<text x="{axes.x(x) + 3:.1f}" y="{TOP + 9}">{html.escape(text)}</text>')
    return svg("".join(body) + legend(names))


def path(axes, rows):
    return " ".join(f"{axes.x(x):.1f},{axes.y(y):.1f}" for x, y in rows)


def distributions(groups, title_x, title_y, log_y=True):
    """Every sample as a step of its cumulative share: `groups` {name: [values]}; x is the share in per cent."""
    series = {}
    for name, values in groups.items():
        ordered = sorted(values)
        series[name] = [((n + 1) / len(ordered) * 100, value) for n, value in enumerate(ordered)]
    return lines({name: rows for name, rows in series.items() if rows}, title_x, title_y, log_y=log_y)
