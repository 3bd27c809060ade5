//! Writes arrays in encodings that the file writer of vortex-data does not choose by itself: each
//! as the file format serialises it, and once more as plain values.
//! cargo run | gzip -9n > ../arrays.bin.gz

use std::io::Write;

use vortex_alp::{RDEncoder, RDEncoderExt};
use vortex_array::arrays::*;
use vortex_array::dtype::*;
use vortex_array::patches::Patches;
use vortex_array::scalar::Scalar;
use vortex_array::serde::SerializeOptions;
use vortex_array::session::ArraySessionExt;
use vortex_array::validity::Validity;
use vortex_array::*;
use vortex_buffer::{Buffer, buffer};
use vortex_bytebool::ByteBool;
use vortex_decimal_byte_parts::DecimalByteParts;
use vortex_error::VortexResult;
use vortex_fastlanes::*;
use vortex_session::VortexSession;
use vortex_zstd::Zstd;

struct Out {
    session: VortexSession,
    ctx: ExecutionCtx,
    bytes: Vec<u8>,
}

impl Out {
    fn put(&mut self, b: &[u8]) {
        self.bytes.extend((b.len() as u32).to_le_bytes());
        self.bytes.extend(b);
    }

    fn segment(&mut self, array: &ArrayRef) -> VortexResult<()> {
        let names = ArrayContext::empty();
        let parts = array.serialize(
            &names,
            &self.session,
            &SerializeOptions {
                offset: 0,
                include_padding: true,
            },
        )?;
        let mut all = vec![];
        for p in parts {
            all.extend_from_slice(p.as_slice());
        }
        let ids: Vec<String> = names.to_ids().iter().map(|i| i.to_string()).collect();
        self.put(ids.join(" ").as_bytes());
        self.put(&all);
        Ok(())
    }

    fn add(&mut self, name: &str, dtype: &str, array: ArrayRef) {
        let before = self.bytes.len();
        if let Err(e) = self.try_add(name, dtype, array) {
            eprintln!("{name}: left out: {e}");
            self.bytes.truncate(before);
        }
    }

    fn try_add(&mut self, name: &str, dtype: &str, array: ArrayRef) -> VortexResult<()> {
        eprintln!("{name}: {} of {}", array.encoding_id(), array.dtype());
        self.put(name.as_bytes());
        self.put(dtype.as_bytes());
        self.bytes.extend((array.len() as u32).to_le_bytes());
        self.segment(&array)?;
        let plain = array.execute::<Canonical>(&mut self.ctx)?.into_array();
        self.segment(&plain)
    }
}

struct Rng(u64);
impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545F4914F6CDD1D)
    }
}

macro_rules! ints {
    ($out: expr, $t: ty) => {
        let name = stringify!($t);
        let null = format!("{name}?");
        let mut r = Rng(99);
        let up: Vec<$t> = (0..2500usize)
            .map(|i| ((i / 30) as $t).wrapping_add((r.next() % 3) as $t))
            .collect();
        let plain = PrimitiveArray::new(Buffer::from(up.clone()), Validity::NonNullable);
        let some = PrimitiveArray::from_option_iter(
            up.iter()
                .enumerate()
                .map(|(i, x)| (i % 5 != 0).then_some(*x)),
        );
        let runs = PrimitiveArray::from_iter((0..2500usize).map(|i| (i / 70) as $t));
        let some_runs = PrimitiveArray::from_option_iter(
            (0..2500usize).map(|i| (i % 900 > 20).then_some((i / 70) as $t)),
        );
        let d = Delta::try_from_primitive_array(&plain, &mut $out.ctx)
            .unwrap()
            .into_array();
        $out.add(&format!("{name} delta"), name, d.clone());
        $out.add(
            &format!("{name} delta, cut"),
            name,
            d.slice(1100..1900).unwrap(),
        );
        let d = Delta::try_from_primitive_array(&some, &mut $out.ctx)
            .unwrap()
            .into_array();
        $out.add(&format!("{name} delta with nulls"), &null, d.clone());
        $out.add(
            &format!("{name} delta with nulls, cut"),
            &null,
            d.slice(37..1200).unwrap(),
        );
        let d = RLE::encode(runs.as_view(), &mut $out.ctx)
            .unwrap()
            .into_array();
        $out.add(&format!("{name} rle"), name, d.clone());
        $out.add(
            &format!("{name} rle, cut"),
            name,
            d.slice(1050..2300).unwrap(),
        );
        let d = RLE::encode(some_runs.as_view(), &mut $out.ctx)
            .unwrap()
            .into_array();
        $out.add(&format!("{name} rle with nulls"), &null, d.clone());
        $out.add(
            &format!("{name} rle with nulls, cut"),
            &null,
            d.slice(500..1500).unwrap(),
        );
        let small = PrimitiveArray::from_iter((0..2500usize).map(|i| (i % 100) as $t)).into_array();
        match BitPackedData::encode_blocked(&small, &[7, 3, 5], &mut $out.ctx) {
            Ok(d) => {
                $out.add(
                    &format!("{name} packed by blocks"),
                    name,
                    d.clone().into_array(),
                );
                $out.add(
                    &format!("{name} packed by blocks, cut"),
                    name,
                    d.into_array().slice(1000..2200).unwrap(),
                );
            }
            Err(e) => eprintln!("{name} packed by blocks: {e}"),
        }
        match BitPackedData::encode(&small, 5, &mut $out.ctx) {
            Ok(d) => $out.add(
                &format!("{name} packed with patches, cut"),
                name,
                d.into_array().slice(1000..2200).unwrap(),
            ),
            Err(e) => eprintln!("{name} packed: {e}"),
        }
        match FoR::encode_chunked(plain.clone(), &mut $out.ctx) {
            Ok(d) => {
                $out.add(
                    &format!("{name} references by blocks"),
                    name,
                    d.clone().into_array(),
                );
                $out.add(
                    &format!("{name} references by blocks, cut"),
                    name,
                    d.into_array().slice(900..2100).unwrap(),
                );
            }
            Err(e) => eprintln!("{name} references by blocks: {e}"),
        }
        let patches = Patches::new(
            2500,
            0,
            buffer![1u32, 700, 1024, 2047, 2048, 2499].into_array(),
            PrimitiveArray::from_iter([9 as $t, 8, 7, 6, 5, 4]).into_array(),
            None,
            &mut $out.ctx,
        )
        .unwrap();
        match Patched::from_array_and_patches(small.clone(), &patches, &mut $out.ctx) {
            Ok(d) => {
                $out.add(&format!("{name} patched"), name, d.clone().into_array());
                $out.add(
                    &format!("{name} patched, cut"),
                    name,
                    d.into_array().slice(600..2100).unwrap(),
                );
            }
            Err(e) => eprintln!("{name} patched: {e}"),
        }
        let z = Zstd::from_primitive(&some, 3, 100, &mut $out.ctx)
            .unwrap()
            .into_array();
        $out.add(&format!("{name} zstd of many frames"), &null, z);
    };
}

fn main() {
    let session = vortex_array::array_session();
    vortex_fastlanes::initialize(&session);
    vortex_bytebool::initialize(&session);
    vortex_zstd::initialize(&session);
    vortex_fsst::initialize(&session);
    vortex_runend::initialize(&session);
    vortex_sparse::initialize(&session);
    vortex_sequence::initialize(&session);
    vortex_zigzag::initialize(&session);
    vortex_alp::initialize(&session);
    vortex_onpair::initialize(&session);
    vortex_datetime_parts::initialize(&session);
    vortex_decimal_byte_parts::initialize(&session);
    session.arrays().register(vortex_pco::Pco);
    session.arrays().register(Patched);
    let ctx = session.create_execution_ctx();
    let mut out = Out {
        session,
        ctx,
        bytes: vec![],
    };
    let o = &mut out;
    ints!(o, u8);
    ints!(o, i16);
    ints!(o, u32);
    ints!(o, i64);

    let flags = ByteBool::from_option_vec(
        (0..1000)
            .map(|i| (i % 7 != 0).then_some(i % 3 == 0))
            .collect(),
    );
    o.add("bytes of booleans with nulls", "bool?", flags.into_array());
    let flags = ByteBool::from_vec(
        (0..1000).map(|i| i % 3 == 0).collect(),
        Validity::NonNullable,
    );
    o.add("bytes of booleans", "bool", flags.into_array());

    let parts: Vec<ArrayRef> = (0..4)
        .map(|k| PrimitiveArray::from_iter((0..k * 100).map(|i| i as i64)).into_array())
        .collect();
    let chunked = ChunkedArray::try_new(
        parts,
        DType::Primitive(PType::I64, Nullability::NonNullable),
    )
    .unwrap();
    o.add("chunks", "i64", chunked.into_array());

    let texts: Vec<Option<String>> = (0..900)
        .map(|i| (i % 9 != 0).then(|| format!("text number {i} of some that are alike {}", i % 7)))
        .collect();
    let views = VarBinViewArray::from_iter_nullable_str(texts.iter().map(|x| x.as_deref()));
    let z = Zstd::from_var_bin_view(&views, 3, 50, &mut o.ctx)
        .unwrap()
        .into_array();
    o.add("text in zstd of many frames", "utf8?", z);
    let z = Zstd::from_var_bin_view_without_dict(&views, 3, 0, &mut o.ctx)
        .unwrap()
        .into_array();
    o.add("text in zstd of one frame", "utf8?", z);

    let lists = ListViewArray::try_new(
        PrimitiveArray::from_iter((0..100).map(|i| i as i32)).into_array(),
        buffer![90u32, 3, 0, 50, 50, 7].into_array(),
        buffer![10u8, 0, 5, 2, 40, 1].into_array(),
        Validity::from_iter([true, true, false, true, true, true]),
        &mut o.ctx,
    )
    .unwrap();
    o.add(
        "lists out of order",
        "list i32?",
        lists.clone().into_array(),
    );
    let masked = MaskedArray::try_new(
        PrimitiveArray::from_iter((0..50).map(|i| i as f32)).into_array(),
        Validity::from_iter((0..50).map(|i| i % 4 > 0)),
        &mut o.ctx,
    )
    .unwrap();
    o.add("masked", "f32?", masked.into_array());

    for (precision, scale) in [(38u8, 3i8), (50, 3), (76, 0)] {
        let mut r = Rng(5);
        let typ = DecimalDType::new(precision, scale);
        let wide: Vec<Option<i256>> = (0..300)
            .map(|i| {
                let hi = if precision > 38 {
                    (r.next() as i128) << 40
                } else {
                    0
                };
                let lo = ((r.next() as u128) << 50) | r.next() as u128;
                (i % 6 != 0).then(|| {
                    if i % 2 == 0 {
                        i256::from_parts(lo, hi)
                    } else {
                        i256::from_i128(-((lo >> 2) as i128))
                    }
                })
            })
            .collect();
        let a = if precision > 38 {
            DecimalArray::from_option_iter(wide, typ)
        } else {
            DecimalArray::from_option_iter(
                wide.iter().map(|x| x.map(|v| v.maybe_i128().unwrap())),
                typ,
            )
        };
        match DecimalByteParts::encode(&a, &mut o.ctx) {
            Ok(d) => o.add(
                &format!("parts of decimal {precision}"),
                &format!("decimal {precision} {scale}?"),
                d.into_array(),
            ),
            Err(e) => eprintln!("parts of decimal {precision}: {e}"),
        }
    }

    let floats: Vec<f64> = (0..2500)
        .map(|i| {
            if i % 97 == 0 {
                std::f64::consts::PI * i as f64
            } else {
                i as f64 / 100.0
            }
        })
        .collect();
    let p = PrimitiveArray::from_iter(floats.iter().copied());
    let e = vortex_alp::alp_encode(p.as_view(), None, &mut o.ctx)
        .unwrap()
        .into_array();
    o.add("alp", "f64", e.clone());
    o.add("alp, cut", "f64", e.slice(1000..2100).unwrap());
    let mut r = Rng(6);
    let floats: Vec<f64> = (0..2500)
        .map(|i| {
            if i % 300 == 0 {
                -1e200
            } else {
                1.5 + (r.next() >> 12) as f64 * 1e-17
            }
        })
        .collect();
    let p = PrimitiveArray::from_iter(floats.iter().copied());
    let e = RDEncoder::new(&floats).encode(p.as_view()).into_array();
    o.add("alprd", "f64", e.clone());
    o.add("alprd, cut", "f64", e.slice(1000..2100).unwrap());

    let nested = DType::List(
        std::sync::Arc::new(DType::Primitive(PType::I32, Nullability::NonNullable)),
        Nullability::Nullable,
    );
    o.add(
        "constant null list",
        "list i32?",
        ConstantArray::new(Scalar::null(nested), 20).into_array(),
    );
    let one = Scalar::list(
        DType::Primitive(PType::I32, Nullability::NonNullable),
        vec![Scalar::from(1i32), Scalar::from(-5i32)],
        Nullability::Nullable,
    );
    o.add(
        "constant list",
        "list i32?",
        ConstantArray::new(one, 20).into_array(),
    );
    o.add(
        "constant half",
        "f16",
        ConstantArray::new(
            Scalar::primitive(half::f16::from_f32(-1.5), Nullability::NonNullable),
            9,
        )
        .into_array(),
    );
    o.add(
        "falling sequence",
        "i16",
        vortex_sequence::Sequence::try_new_typed(100i16, -7i16, Nullability::NonNullable, 40)
            .unwrap()
            .into_array(),
    );

    std::io::stdout().write_all(&out.bytes).unwrap();
}
