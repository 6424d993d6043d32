package main

import (
	"bytes"
	"fmt"
	"math"
)

// The chart is written here and by no library: go-analyze/charts and gonum/plot, the two that are well kept, write fixed colours into each
// element, and the chart has to be read on light and on dark pages; a style sheet that asks prefers-color-scheme does that. The first has no
// logarithmic axes either, and the second would bring fonts and a dozen modules for seven lines.
const (
	chartWidth, chartHeight        = 900, 470
	plotLeft, plotRight            = 64, 690
	plotTop, plotBottom            = 34, 418
	leastSize, mostSize            = 200., 102400.
	leastPrice, mostPrice          = 0.03, 30.
	pointsBetween, minLabelSpacing = 160, 15.
	pointsApart                    = 2 * (plotRight - plotLeft) / pointsBetween
)

const chartStyle = `
  text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #24292f; }
  .axis { stroke: #57606a; stroke-width: 1; } .grid { stroke: #d0d7de; stroke-width: 1; }
  .line { fill: none; stroke-width: 2; } .old { stroke-dasharray: 5 4; } .other { stroke-dasharray: 2 3; }
  .c0 { stroke: #0550ae; } .c1 { stroke: #8250df; } .c2 { stroke: #116329; } .c3 { stroke: #953800; } .c4 { stroke: #57606a; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .axis { stroke: #8d96a0; } .grid { stroke: #30363d; }
    .c0 { stroke: #79c0ff; } .c1 { stroke: #d2a8ff; } .c2 { stroke: #7ee787; } .c3 { stroke: #ffa657; } .c4 { stroke: #8d96a0; }
  }
`

// curve is a line of the chart.
type curve struct {
	name, class string
	price       func(size int) (float64, bool) // false: no request can be that large
}

// chart draws the price of a million events by their size, both axes logarithmic.
func (p *page) chart() ([]byte, error) {
	curves := []curve{
		{"old chain, one event a request", "c4 old", func(size int) (float64, bool) { return oldMarginal(p.onDemand, shape{size, 1, 1}, 10), true }},
	}
	for i, array := range pageArrays {
		name := fmt.Sprintf("arrays of %d", array)
		if array == 1 {
			name = "one event a request"
		}
		curves = append(curves, curve{name, fmt.Sprintf("c%d", i), func(size int) (float64, bool) {
			s := shape{size, array, 1}
			return marginal(p.onDemand, s), s.check() == nil
		}})
	}
	curves = append(curves, curve{"arrays of 100, provisioned", "c2 other", func(size int) (float64, bool) {
		s := shape{size, 100, 1}
		return marginal(p.provisioned, s), s.check() == nil
	}})
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="title">`+"\n", chartWidth, chartHeight)
	fmt.Fprintf(&b, "<title id=\"title\">Marginal cost of a million events in USD, by the size of an event</title>\n<style>%s</style>\n", chartStyle)
	fmt.Fprintf(&b, `<text x="%d" y="18">USD a million events; on demand where nothing else is said</text>`+"\n", plotLeft)
	for _, price := range []float64{0.03, 0.1, 0.3, 1, 3, 10, 30} {
		fmt.Fprintf(&b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1[3]f"/><text x="%d" y="%.1f" text-anchor="end">%v</text>`+"\n", plotLeft, plotRight, y(price), plotLeft-8, y(price)+4, price)
	}
	for _, size := range pageSizes {
		fmt.Fprintf(&b, `<line class="grid" y1="%d" y2="%d" x1="%.1f" x2="%.1[3]f"/><text y="%d" x="%.1[3]f" text-anchor="middle">%[5]s</text>`+"\n", plotTop, plotBottom, x(float64(size)), plotBottom+18, sizeName(size))
	}
	fmt.Fprintf(&b, `<line class="axis" x1="%d" x2="%d" y1="%d" y2="%[3]d"/><text x="%d" y="%d" text-anchor="middle">size of an event</text>`+"\n", plotLeft, plotRight, plotBottom, (plotLeft+plotRight)/2, plotBottom+40)
	lowest := math.Inf(1)
	for _, c := range curves {
		endX, endY := c.draw(&b)
		label := endY + 4
		if endX > plotRight-pointsApart { // labels beside the plot keep apart; curves come from the dearest on
			endX = plotRight
			if lowest < math.Inf(1) {
				label = max(label, lowest+minLabelSpacing)
			}
			lowest = label
		}
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f">%s</text>`+"\n", endX+7, label, c.name)
	}
	b.WriteString("</svg>\n")
	return b.Bytes(), nil
}

// draw draws the curve as far as requests go and answers where it ends.
func (c curve) draw(b *bytes.Buffer) (endX, endY float64) {
	fmt.Fprintf(b, `<path class="line %s" d="`, c.class)
	verb := "M"
	for i := range pointsBetween + 1 {
		size := int(math.Round(leastSize * math.Pow(mostSize/leastSize, float64(i)/pointsBetween)))
		price, possible := c.price(size)
		if !possible {
			break
		}
		endX, endY = x(float64(size)), y(price)
		fmt.Fprintf(b, "%s%.1f %.1f", verb, endX, endY)
		verb = "L"
	}
	b.WriteString("\"/>\n")
	return endX, endY
}

func x(size float64) float64 {
	return plotLeft + (plotRight-plotLeft)*math.Log(size/leastSize)/math.Log(mostSize/leastSize)
}

func y(price float64) float64 {
	return plotBottom - (plotBottom-plotTop)*math.Log(price/leastPrice)/math.Log(mostPrice/leastPrice)
}
