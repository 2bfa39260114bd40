//! Countries: three letters in the machine-readable zone (part 3, section 5), two in certificates (ISO 3166-1).

/// Three letters and two of each country, by ISO 3166-1, and what part 3 adds: the specimen's Utopia, Germany's one letter,
/// the kinds of British nationals, Kosovo, the United Nations, the European Union.
const STATES: &str = "\
AFGAF ALBAL DZADZ ASMAS ANDAD AGOAO AIAAI ATAAQ ATGAG ARGAR ARMAM ABWAW AUSAU AUTAT AZEAZ BHSBS BHRBH BGDBD BRBBB BLRBY \
BELBE BLZBZ BENBJ BMUBM BTNBT BOLBO BESBQ BIHBA BWABW BVTBV BRABR IOTIO BRNBN BGRBG BFABF BDIBI CPVCV KHMKH CMRCM CANCA \
CYMKY CAFCF TCDTD CHLCL CHNCN CXRCX CCKCC COLCO COMKM COGCG CODCD COKCK CRICR CIVCI HRVHR CUBCU CUWCW CYPCY CZECZ DNKDK \
DJIDJ DMADM DOMDO ECUEC EGYEG SLVSV GNQGQ ERIER ESTEE SWZSZ ETHET FLKFK FROFO FJIFJ FINFI FRAFR GUFGF PYFPF ATFTF GABGA \
GMBGM GEOGE DEUDE GHAGH GIBGI GRCGR GRLGL GRDGD GLPGP GUMGU GTMGT GGYGG GINGN GNBGW GUYGY HTIHT HMDHM VATVA HNDHN HKGHK \
HUNHU ISLIS INDIN IDNID IRNIR IRQIQ IRLIE IMNIM ISRIL ITAIT JAMJM JPNJP JEYJE JORJO KAZKZ KENKE KIRKI PRKKP KORKR KWTKW \
KGZKG LAOLA LVALV LBNLB LSOLS LBRLR LBYLY LIELI LTULT LUXLU MACMO MDGMG MWIMW MYSMY MDVMV MLIML MLTMT MHLMH MTQMQ MRTMR \
MUSMU MYTYT MEXMX FSMFM MDAMD MCOMC MNGMN MNEME MSRMS MARMA MOZMZ MMRMM NAMNA NRUNR NPLNP NLDNL NCLNC NZLNZ NICNI NERNE \
NGANG NIUNU NFKNF MKDMK MNPMP NORNO OMNOM PAKPK PLWPW PSEPS PANPA PNGPG PRYPY PERPE PHLPH PCNPN POLPL PRTPT PRIPR QATQA \
REURE ROURO RUSRU RWARW BLMBL SHNSH KNAKN LCALC MAFMF SPMPM VCTVC WSMWS SMRSM STPST SAUSA SENSN SRBRS SYCSC SLESL SGPSG \
SXMSX SVKSK SVNSI SLBSB SOMSO ZAFZA SGSGS SSDSS ESPES LKALK SDNSD SURSR SJMSJ SWESE CHECH SYRSY TWNTW TJKTJ TZATZ THATH \
TLSTL TGOTG TKLTK TONTO TTOTT TUNTN TURTR TKMTM TCATC TUVTV UGAUG UKRUA AREAE GBRGB USAUS UMIUM URYUY UZBUZ VUTVU VENVE \
VNMVN VGBVG VIRVI WLFWF ESHEH YEMYE ZMBZM ZWEZW ALAAX \
UTOUT GBDGB GBNGB GBOGB GBPGB GBSGB RKSKS UNOUN UNAUN EUEEU";

/// The two letters by which certificates name the state of three.
pub(crate) fn of_state(state: &str) -> Option<&'static str> {
    if state == "D" {
        return Some("DE");
    }
    let mut states = STATES.split(' ').filter_map(|both| both.split_at_checked(3));
    states.find(|(three, _)| *three == state).map(|(_, two)| two)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_state_is_named_once() {
        let all: Vec<&str> = STATES.split(' ').collect();
        assert!(
            all.iter()
                .all(|both| both.len() == 5 && both.bytes().all(|c| c.is_ascii_uppercase()))
        );
        let three: BTreeSet<_> = all.iter().map(|both| &both[..3]).collect();
        assert_eq!((three.len(), all.len()), (249 + 10, 249 + 10));
        for (state, country) in [
            ("CHN", "CN"),
            ("D", "DE"),
            ("UTO", "UT"),
            ("GBN", "GB"),
            ("SRB", "RS"),
        ] {
            assert_eq!(of_state(state), Some(country));
        }
        for unknown in ["", "XXX", "CH", "CHNX", "AFGA"] {
            assert_eq!(of_state(unknown), None, "{unknown}");
        }
    }
}
