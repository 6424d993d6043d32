package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// object is a file that stands for an object of a bucket.
type object struct {
	bucket, key string
	size        int64
}

// listFiles lists the objects of every bucket, in the order of their keys. They lie at s3/<bucket>/<key> in the runner's data folder.
func listFiles(s *state) ([]object, error) {
	var objects []object
	for _, r := range s.Resources {
		if r.Type != "AWS::S3::Bucket" {
			continue
		}
		root := filepath.Join(s.Data, "s3", r.ID)
		err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			info, err := entry.Info()
			if err != nil {
				return err
			}
			key, err := filepath.Rel(root, file)
			objects = append(objects, object{r.ID, filepath.ToSlash(key), info.Size()})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(objects, func(a, b object) int { return cmp.Or(cmp.Compare(a.bucket, b.bucket), cmp.Compare(a.key, b.key)) })
	return objects, nil
}

func (d *demo) files(s *state, objects []object) {
	d.page.heading(fmt.Sprintf("FILES %d", len(objects)), "each an S3 object; "+cutMiddle(short(s.Data), d.page.width/2)+" stays until the next demo")
	folder := ""
	for _, o := range objects {
		if in := filepath.Join(s.Data, "s3", o.bucket, path.Dir(o.key)); in != folder {
			folder = in
			fmt.Fprintln(d.page.w, short(folder)+"/") // not cut off: it is there to be pasted
		}
		size := fmt.Sprintf("%9s", thousands(o.size))
		d.page.line(1, word{size, bold}, word{cutMiddle(path.Base(o.key), d.page.width-2-columns(size)), plain})
	}
}

// way is the order of the links on an event's way.
var way = []string{
	"AWS::Serverless::Api", "AWS::Kinesis::Stream", "AWS::Serverless::Function", "AWS::KinesisFirehose::DeliveryStream", "AWS::S3::Bucket", "AWS::SQS::Queue",
}

func (d *demo) links(s *state) {
	d.page.heading("LINKS", "and their counts that are not 0")
	var ids []string
	for id := range s.Links {
		ids = append(ids, id)
	}
	place := func(id string) int {
		if i := slices.Index(way, s.Resources[id].Type); i >= 0 {
			return i
		}
		return len(way) // what leads from one to another
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(place(a)-place(b), cmp.Compare(a, b)) })
	for _, id := range ids {
		value, err := readNode(s.Links[id])
		if err != nil {
			continue // what is no JSON has no counts
		}
		words := countWords("", value)
		if len(words) == 0 {
			continue
		}
		for i := range len(words) - 1 {
			words[i].text += ","
		}
		d.page.paragraph(0, 19, append([]word{{fmt.Sprintf("%-18s", id), bold}}, words...))
	}
}

// countWords writes the numbers in a value, and its texts, behind their names.
func countWords(name string, value *node) []word {
	var out []word
	for _, m := range value.members {
		full := strings.TrimPrefix(name+"."+m.name, ".")
		switch {
		case m.value.kind == '{':
			out = append(out, countWords(full, m.value)...)
		case m.value.kind == '0' && m.value.text != "0":
			out = append(out, word{printable(full) + " " + grouped(m.value.text), plain})
		case m.value.kind == '"' && m.value.text != "":
			out = append(out, word{printable(full) + ": " + printable(m.value.text), red})
		}
	}
	return out
}

// grouped writes a whole number with commas, and any other as it is.
func grouped(literal string) string {
	var n int64
	if json.Unmarshal([]byte(literal), &n) != nil {
		return literal
	}
	return thousands(n)
}
