// Package vortex reads and writes files of the Vortex columnar format, container version 1.
//
// What is written keeps to edition core2025.05.0, which every Vortex reader since 0.36.0 must understand
// for ever; [Options.Zstd] adds vortex.zstd of core2025.06.0. What is read is more: all that the default
// and the compact writer of the Rust implementation emit (spec cayenne-and-duckdb.md section 2), and the
// encodings that its library has besides. Not read are variants, unions, vortex.zstd_buffers, maps whose keys
// may be null, lists of the fixed size 0, and files whose rows are not a struct or may be null as a whole.
//
// Arrow is the only form in which values cross the border of this package. A file has no checksums of its
// own: who stores files keeps a digest beside them. A damaged file gives an error that wraps [ErrCorrupt],
// never a panic.
package vortex
