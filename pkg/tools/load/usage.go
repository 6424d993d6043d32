package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hydrant/pkg/tools/internal/process"
)

// usage is what a tree of processes uses.
type usage struct {
	resident                      int64
	runner, store, functions, own time.Duration // CPU time: the runner's, its S3 server's, its functions', and this program's
	machine                       time.Duration // CPU time of all programs; 0 where that is not known
}

// use sums up the processes that descend from root, a runner, and root itself.
func use(all []process.Process, root int) usage {
	children := map[int][]process.Process{}
	var u usage
	for _, p := range all {
		children[p.Parent] = append(children[p.Parent], p)
		if p.ID == root {
			u.resident, u.runner = p.Resident, p.CPU
		}
	}
	for pending := children[root]; len(pending) > 0; {
		p := pending[0]
		pending = append(pending[1:], children[p.ID]...)
		u.resident += p.Resident
		if p.Name == "bootstrap" { // the name of every function's program
			u.functions += p.CPU
		} else {
			u.store += p.CPU
		}
	}
	return u
}

// usage is what the runner, its children and this program use now.
func (r *runner) usage() (usage, error) {
	all, err := process.List()
	if err != nil {
		return usage{}, err
	}
	u := use(all, r.PID())
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		return usage{}, err
	}
	u.own = time.Duration(own.Utime.Nano() + own.Stime.Nano())
	u.machine, err = machineCPU()
	return u, err
}

// machineCPU answers the CPU time of all programs, 0 where there is no /proc/stat.
func machineCPU() (time.Duration, error) {
	stat, err := os.ReadFile("/proc/stat")
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return parseMachine(stat)
}

// parseMachine reads the first line of /proc/stat. See proc_stat(5).
func parseMachine(stat []byte) (time.Duration, error) {
	line, _, _ := strings.Cut(string(stat), "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, fmt.Errorf("/proc/stat begins with %q", line)
	}
	var ticks int64
	for _, i := range []int{1, 2, 3, 6, 7, 8} { // user, nice, system, irq, softirq and steal: all but idle and iowait
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/stat: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * process.ClockTick, nil
}

// since answers the CPU time used after an earlier look; memory is that of now.
func (u usage) since(before usage) usage {
	u.runner -= before.runner
	u.store -= before.store
	u.functions -= before.functions
	u.own -= before.own
	u.machine -= before.machine
	return u
}
