package vtl

import "fmt"

// API Gateway's own limits: a mapping template of 300 KB, #foreach of 1,000 iterations ("Amazon API Gateway quotas").
const (
	maxTemplate   = 300 << 10
	maxIterations = 1000
)

// Bounds of our own, where API Gateway documents none. A payload is 10 MB at most, and base64 makes 4/3 of it.
const (
	maxOutput  = 32 << 20  // bytes rendered, and bytes of any one string
	maxMade    = 128 << 20 // bytes of all strings made, and of JSON read, by one rendering
	maxSteps   = 4 << 20   // nodes evaluated, elements visited and work of regular expressions by one rendering
	maxNesting = 100       // directives, strings, lists, arguments within each other in a template; #define blocks in use at once
	maxDepth   = 1000      // objects and arrays within each other in a body, and lists and maps that are printed or compared
	maxRange   = 10_000    // elements of one range
	maxPattern = 1000      // bytes of one regular expression
)

// step counts n nodes or elements visited.
func (r *run) step(n int) error {
	if r.steps += n; r.steps > maxSteps {
		return fmt.Errorf("the template does more than %d steps", maxSteps)
	}
	return r.make(0) // reading JSON counts its bytes where no error can be returned
}

// make counts n bytes of text that is about to be made.
func (r *run) make(n int) error {
	if n > maxOutput {
		return fmt.Errorf("the template makes a text of more than %d bytes", maxOutput)
	}
	if r.made += n; r.made > maxMade {
		return fmt.Errorf("the template makes or reads more than %d bytes of text", maxMade)
	}
	return nil
}
