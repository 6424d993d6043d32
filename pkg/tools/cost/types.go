package main

import (
	"sync"

	"hydrant/pkg/event"
)

// eventTypes is how many types the catalogue has: the transform counts each.
var eventTypes = sync.OnceValue(func() int {
	catalogue, err := event.Describe()
	if err != nil {
		panic(err) // make generate would have said so
	}
	return len(catalogue.Types)
})
