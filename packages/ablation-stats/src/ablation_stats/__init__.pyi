"""Public names, for type checkers and editors; `__init__.py` loads each on first use."""

from ablation_stats._adjust import adjust_pvalues as adjust_pvalues
from ablation_stats._aggregate import iqm as iqm
from ablation_stats._aggregate import optimality_gap as optimality_gap
from ablation_stats._aggregate_interval import aggregate_differences as aggregate_differences
from ablation_stats._aggregate_interval import aggregate_scores as aggregate_scores
from ablation_stats._arm_mean import arm_mean as arm_mean
from ablation_stats._attribution_matrix import attribution_matrix as attribution_matrix
from ablation_stats._audit import assay_sensitivity as assay_sensitivity
from ablation_stats._audit import audit as audit
from ablation_stats._audit import over_interpretation as over_interpretation
from ablation_stats._audit import seed_sufficiency as seed_sufficiency
from ablation_stats._bca import bca_levels as bca_levels
from ablation_stats._binomial import Interval as Interval
from ablation_stats._binomial import exact_ci as exact_ci
from ablation_stats._binomial import wilson_ci as wilson_ci
from ablation_stats._bootstrap import BootstrapInterval as BootstrapInterval
from ablation_stats._bootstrap import bca_acceleration as bca_acceleration
from ablation_stats._bootstrap import bootstrap_ci as bootstrap_ci
from ablation_stats._broken_stick import BrokenStick as BrokenStick
from ablation_stats._broken_stick import knee_broken_stick as knee_broken_stick
from ablation_stats._cheapest import Candidate as Candidate
from ablation_stats._cheapest import CheapestArm as CheapestArm
from ablation_stats._cheapest import cheapest_non_inferior as cheapest_non_inferior
from ablation_stats._check_design import check_design as check_design
from ablation_stats._claim import Claim as Claim
from ablation_stats._claim import Verdict as Verdict
from ablation_stats._clustered import ClusteredMean as ClusteredMean
from ablation_stats._clustered import clustered_se as clustered_se
from ablation_stats._compare import paired_difference as paired_difference
from ablation_stats._compare import paired_differences as paired_differences
from ablation_stats._component_designs import add_one_in as add_one_in
from ablation_stats._component_designs import all_subsets as all_subsets
from ablation_stats._component_designs import build_up as build_up
from ablation_stats._component_designs import greedy_runs as greedy_runs
from ablation_stats._component_designs import greedy_sequential as greedy_sequential
from ablation_stats._component_designs import leave_one_out as leave_one_out
from ablation_stats._confound import Confound as Confound
from ablation_stats._confound import confound_report as confound_report
from ablation_stats._convergence import not_converged as not_converged
from ablation_stats._critical_difference import CriticalDifferences as CriticalDifferences
from ablation_stats._critical_difference import critical_difference_groups as critical_difference_groups
from ablation_stats._critical_difference import critical_differences as critical_differences
from ablation_stats._cube import PairedCube as PairedCube
from ablation_stats._cube import paired_cube as paired_cube
from ablation_stats._design import Design as Design
from ablation_stats._design import dose_response as dose_response
from ablation_stats._design import full_factorial as full_factorial
from ablation_stats._design import one_factor_at_a_time as one_factor_at_a_time
from ablation_stats._dose import SmallestDose as SmallestDose
from ablation_stats._dose import smallest_non_inferior_dose as smallest_non_inferior_dose
from ablation_stats._effect_estimate import Effect as Effect
from ablation_stats._effect_estimate import Settings as Settings
from ablation_stats._effect_matrix import EffectMatrix as EffectMatrix
from ablation_stats._effect_matrix import effect_matrix as effect_matrix
from ablation_stats._effect_size import cliffs_delta as cliffs_delta
from ablation_stats._effect_size import cohens_d as cohens_d
from ablation_stats._effect_size import hedges_g as hedges_g
from ablation_stats._effect_size import hodges_lehmann as hodges_lehmann
from ablation_stats._effect_size import vargha_delaney_a12 as vargha_delaney_a12
from ablation_stats._effect_size_interval import effect_size as effect_size
from ablation_stats._effects import add_one_in_effects as add_one_in_effects
from ablation_stats._effects import attribution as attribution
from ablation_stats._effects import banzhaf as banzhaf
from ablation_stats._effects import build_up_effects as build_up_effects
from ablation_stats._effects import interaction_effects as interaction_effects
from ablation_stats._effects import leave_one_out_effects as leave_one_out_effects
from ablation_stats._effects import main_effects as main_effects
from ablation_stats._effects import shapley_attribution as shapley_attribution
from ablation_stats._effects import shapley_interaction as shapley_interaction
from ablation_stats._equivalence import EquivalenceTest as EquivalenceTest
from ablation_stats._equivalence import NonInferiorityTest as NonInferiorityTest
from ablation_stats._equivalence import Rope as Rope
from ablation_stats._equivalence import equivalence_tost as equivalence_tost
from ablation_stats._equivalence import non_inferiority as non_inferiority
from ablation_stats._equivalence import rope_posterior as rope_posterior
from ablation_stats._finding import Finding as Finding
from ablation_stats._fit_curve import fit_curve as fit_curve
from ablation_stats._fractional import alias_table as alias_table
from ablation_stats._fractional import fractional_factorial as fractional_factorial
from ablation_stats._fractional import plackett_burman as plackett_burman
from ablation_stats._fractional import resolution as resolution
from ablation_stats._friedman import FriedmanTest as FriedmanTest
from ablation_stats._friedman import friedman_test as friedman_test
from ablation_stats._friedman import nemenyi_cd as nemenyi_cd
from ablation_stats._friedman import nemenyi_pvalues as nemenyi_pvalues
from ablation_stats._improvement import improvement_probabilities as improvement_probabilities
from ablation_stats._improvement import probability_of_improvement as probability_of_improvement
from ablation_stats._judge import judge as judge
from ablation_stats._kneedle import kneedle as kneedle
from ablation_stats._max_t import max_t as max_t
from ablation_stats._mcnemar import McNemar as McNemar
from ablation_stats._mcnemar import mcnemar as mcnemar
from ablation_stats._mcnemar import mcnemar_test as mcnemar_test
from ablation_stats._mcnemar import tango_ci as tango_ci
from ablation_stats._mixed import CrossedEffects as CrossedEffects
from ablation_stats._mixed import crossed_effects as crossed_effects
from ablation_stats._mixed import mixed_effects as mixed_effects
from ablation_stats._pairs import paired_t as paired_t
from ablation_stats._pareto import ParetoPoint as ParetoPoint
from ablation_stats._pareto import pareto_front as pareto_front
from ablation_stats._pareto import pareto_indices as pareto_indices
from ablation_stats._power_law import PowerLaw as PowerLaw
from ablation_stats._power_law import fit_power_law as fit_power_law
from ablation_stats._profile import PerformanceProfile as PerformanceProfile
from ablation_stats._profile import performance_profile as performance_profile
from ablation_stats._profile import performance_profiles as performance_profiles
from ablation_stats._random_intercept import RandomIntercept as RandomIntercept
from ablation_stats._random_intercept import random_intercept as random_intercept
from ablation_stats._read_results import ResultSource as ResultSource
from ablation_stats._read_results import read_results as read_results
from ablation_stats._read_samples import logged_task as logged_task
from ablation_stats._reporting import best_of_k_inflation as best_of_k_inflation
from ablation_stats._reporting import selective_reporting as selective_reporting
from ablation_stats._result import Estimate as Estimate
from ablation_stats._result import results_frame as results_frame
from ablation_stats._run_draws import RunBootstrap as RunBootstrap
from ablation_stats._saturating import SaturatingCurve as SaturatingCurve
from ablation_stats._saturating import fit_saturating as fit_saturating
from ablation_stats._task_scores import TaskScores as TaskScores
from ablation_stats._task_scores import task_scores as task_scores
from ablation_stats._tied_sets import TiedSet as TiedSet
from ablation_stats._tied_sets import tied_sets as tied_sets
from ablation_stats._transfer import TransferMatrix as TransferMatrix
from ablation_stats._transfer import transfer_matrix as transfer_matrix
from ablation_stats._wilcoxon import Wilcoxon as Wilcoxon
from ablation_stats._wilcoxon import wilcoxon_signed_rank as wilcoxon_signed_rank

__all__ = [
    "BootstrapInterval",
    "BrokenStick",
    "Candidate",
    "CheapestArm",
    "Claim",
    "ClusteredMean",
    "Confound",
    "CriticalDifferences",
    "CrossedEffects",
    "Design",
    "Effect",
    "EffectMatrix",
    "EquivalenceTest",
    "Estimate",
    "Finding",
    "FriedmanTest",
    "Interval",
    "McNemar",
    "NonInferiorityTest",
    "PairedCube",
    "ParetoPoint",
    "PerformanceProfile",
    "PowerLaw",
    "RandomIntercept",
    "ResultSource",
    "Rope",
    "RunBootstrap",
    "SaturatingCurve",
    "Settings",
    "SmallestDose",
    "TaskScores",
    "TiedSet",
    "TransferMatrix",
    "Unit",
    "Verdict",
    "Wilcoxon",
    "add_one_in",
    "add_one_in_effects",
    "adjust_pvalues",
    "aggregate_differences",
    "aggregate_scores",
    "alias_table",
    "all_subsets",
    "arm_mean",
    "assay_sensitivity",
    "attribution",
    "attribution_matrix",
    "audit",
    "banzhaf",
    "bca_acceleration",
    "bca_levels",
    "best_of_k_inflation",
    "bootstrap_ci",
    "build_up",
    "build_up_effects",
    "cheapest_non_inferior",
    "check_design",
    "cliffs_delta",
    "clustered_se",
    "cohens_d",
    "confound_report",
    "critical_difference_groups",
    "critical_differences",
    "crossed_effects",
    "dose_response",
    "effect_matrix",
    "effect_size",
    "equivalence_tost",
    "exact_ci",
    "fit_curve",
    "fit_power_law",
    "fit_saturating",
    "fractional_factorial",
    "friedman_test",
    "full_factorial",
    "greedy_runs",
    "greedy_sequential",
    "hedges_g",
    "hodges_lehmann",
    "improvement_probabilities",
    "interaction_effects",
    "iqm",
    "judge",
    "judge_sequential",
    "judged_rightly",
    "knee_broken_stick",
    "kneedle",
    "leave_one_out",
    "leave_one_out_effects",
    "logged_task",
    "main_effects",
    "max_t",
    "mcnemar",
    "mcnemar_test",
    "mixed_effects",
    "nemenyi_cd",
    "nemenyi_pvalues",
    "non_inferiority",
    "not_converged",
    "one_factor_at_a_time",
    "optimality_gap",
    "over_interpretation",
    "paired_cube",
    "paired_difference",
    "paired_differences",
    "paired_t",
    "pairs_of",
    "pareto_front",
    "pareto_indices",
    "performance_profile",
    "performance_profiles",
    "plackett_burman",
    "probability_of_improvement",
    "promised_power",
    "random_intercept",
    "read_results",
    "resolution",
    "results_frame",
    "rope_posterior",
    "seed_sufficiency",
    "selective_reporting",
    "shapley_attribution",
    "shapley_interaction",
    "smallest_non_inferior_dose",
    "tango_ci",
    "task_scores",
    "tied_sets",
    "transfer_matrix",
    "vargha_delaney_a12",
    "wilcoxon_signed_rank",
    "wilson_ci",
]
from ablation_stats._boundaries import Boundaries as Boundaries
from ablation_stats._boundaries import sequential_boundaries as sequential_boundaries
from ablation_stats._claim_plan import ClaimPlan as ClaimPlan
from ablation_stats._claim_plan import PlannedSize as PlannedSize
from ablation_stats._confidence_sequence import ConfidenceSequence as ConfidenceSequence
from ablation_stats._confidence_sequence import confidence_sequence as confidence_sequence
from ablation_stats._confidence_sequence import mixture_parameter as mixture_parameter
from ablation_stats._evalue import PairedEvalue as PairedEvalue
from ablation_stats._evalue import paired_evalue as paired_evalue
from ablation_stats._evalue import paired_evalue_sequence as paired_evalue_sequence
from ablation_stats._plan import plan as plan
from ablation_stats._planted import judged_rightly as judged_rightly
from ablation_stats._planted import promised_power as promised_power
from ablation_stats._power import min_detectable_effect as min_detectable_effect
from ablation_stats._power import power_equivalence as power_equivalence
from ablation_stats._power import power_paired as power_paired
from ablation_stats._required import Required as Required
from ablation_stats._required import design_effect as design_effect
from ablation_stats._required import paired_sd as paired_sd
from ablation_stats._required import required_items as required_items
from ablation_stats._required import required_seeds as required_seeds
from ablation_stats._sequential import SequentialDecision as SequentialDecision
from ablation_stats._sequential import sequential_decision as sequential_decision
from ablation_stats._sequential_judge import SequentialVerdict as SequentialVerdict
from ablation_stats._sequential_judge import judge_sequential as judge_sequential
from ablation_stats._sequential_judge import pairs_of as pairs_of
from ablation_stats._sequential_test import SequentialLook as SequentialLook
from ablation_stats._sequential_test import sequential_test as sequential_test
from ablation_stats._unit import Unit as Unit
from ablation_stats._variance_components import VarianceComponents as VarianceComponents
from ablation_stats._variance_components import assumed_components as assumed_components
from ablation_stats._variance_components import variance_components as variance_components
