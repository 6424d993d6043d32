package main

import (
	"fmt"

	"hydrant/pkg/event"
)

// smallestEvents returns for each type the smallest event that there is of it, as far as taking bytes away from its example can tell.
func smallestEvents(judge *event.Judge, types []event.Type) ([][]byte, error) {
	var smallest [][]byte
	for _, t := range types {
		valid := func(data []byte) bool {
			_, out := judge.AppendRow(nil, data, sampleOrigin)
			return len(out.Rejections) == 0 && out.Type == t.Name && out.Unknown == 0
		}
		if !valid([]byte(t.Example)) {
			return nil, fmt.Errorf("event type %s: its example is not valid", t.Name)
		}
		smallest = append(smallest, shrink([]byte(compact(t.Example)), valid))
	}
	return smallest, nil
}

// sampleOrigin is where sample events come from. It is later than any of them.
var sampleOrigin = event.Origin{ReceivedAt: arrival.UnixMilli(), Producer: "direct", EventID: "e"}

// shrink takes pieces away from data, the largest first, for as long as it stays valid.
func shrink(data []byte, valid func([]byte) bool) []byte {
	for before := 0; before != len(data); {
		before = len(data)
		for size := len(data) - 1; size > 0; size-- {
			for at := 0; at+size <= len(data); {
				if less := append(data[:at:at], data[at+size:]...); valid(less) {
					data = less
				} else {
					at++
				}
			}
		}
	}
	return data
}
