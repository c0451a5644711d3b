"""Which cases of the tests that take longest run by default; the others, and so all that is known, run with `-m slow`.

Every test stays as it is. A pattern is searched in the case's parameters; NONE leaves all of a test to the slow proofs.
"""

import re

NONE = r"(?!)"
# Every layer, and every block in one of the models, with a condition or without.
ALL_KINDS = r"\[\w+\]|cnn-conditioned|row_lstm-plain|bil.*labelled"

BY_DEFAULT = {
    "test_images_come_back_at_the_cost_of_their_likelihood": r"cnn-256-colour-5|row_lstm-17-grey-16|bil.*-2-c.*-1\]",
    "test_files_decode_in_another_process": NONE,
    "test_a_model_in_half_precision_or_double_makes_the_files_of_its_weights": NONE,
    "test_receptive_field_is_exact": r"grey-1-field_by_gradient",
    "test_receptive_field_is_the_same_without_residuals_or_skips": r"pixel_cnn",
    "test_every_signature_equals_the_model_in_a_process_without_python": r"row_lstm-colour",
    # A model that test_served_model.py serves is a Diagonal BiLSTM.
    "test_the_receptive_field_of_the_reloaded_logits_is_exact_from_both_sides": r"row_lstm-colour",
    "test_every_signature_takes_a_condition": NONE,
    "test_without_a_compiler_the_same_session_runs_in_python": NONE,
    "test_the_program_checks_what_the_program_exported": NONE,
    "test_every_signature_of_the_model_given_is_timed": NONE,
    "test_known_pixels_are_kept_and_the_rest_is_drawn_given_them": r"row_lstm-False",
    "test_equals_the_network_run_anew_for_every_sub_pixel": r"bil.*-2",
    "test_trained_weights_pass_the_interval_test": NONE,
    "test_every_dtype_policy_draws": NONE,
    "test_in_a_graph_nothing_is_drawn_at_a_temperature_out_of_bounds": r"\[False|eager|graph",
    "test_a_signal_to_one_of_two_workers_stops_both_and_nothing_is_lost": NONE,
    "test_workers_go_on_after_one_of_them_was_killed": NONE,
    "test_a_signal_saves_and_the_same_command_goes_on": NONE,
    "test_a_full_disk_is_named_and_leaves_earlier_files_whole": NONE,
    "test_a_resumed_run_equals_one_that_was_not_interrupted": NONE,
    "test_every_image_counts_once_whatever_the_replicas": r"2-7|3-100",
    "test_replicas_in_float16_share_one_loss_scale": NONE,
    "test_a_run_drops_while_it_trains_and_is_scored_whole": NONE,
    "test_the_benchmark_times_what_comes_back": NONE,
    "test_a_finished_run_is_not_evaluated_again": NONE,
    "test_a_run_goes_on_with_another_number_of_replicas": NONE,
    # `fit` on replicas is tried with a recurrence.
    "test_two_replicas_equal_one": r"pixel_cnn-adam",
    "test_a_checkpoint_holds_every_variable": r"false",
    "test_a_step_that_is_not_finite_changes_nothing_and_stops_the_run": r"false",
    "test_no_checkpoint_is_made_of_a_broken_state": r"false",
    "test_one_step_is_clipped_gradient_descent_on_the_mean_loss": r"false",
    "test_an_earlier_run_goes_on_to_where_its_own_version_came": r"false",
    "test_parts_of_a_batch_add_up_to_it": r"gradient_accumulation_steps': 3, .*pixel_cnn",
    "test_parts_add_up_to_the_whole": NONE,
    "test_a_huge_condition_is_refused_before_it_overflows": NONE,
    "test_a_run_that_is_out_of_time_evaluates_and_ends": NONE,
    "test_a_model_round_trips_into_a_new_process": NONE,
    "test_classes_are_registered": r"assert 'keras' not",
    "test_a_network_is_timed_beside_what_it_is_compared_with": NONE,
    "test_every_operation_of_a_layer_is_timed": NONE,
    "test_steps_train": NONE,
    "test_sampling_prints_what_it_returns": NONE,
    "test_both_rates_are_measured": NONE,
    "test_fit_splits_weighs_and_keeps_the_best_by_bits_per_dim": r"row_lstm.*plain",
    "test_fit_in_mixed_precision": NONE,
    "test_fit_lowers_the_loss_and_evaluate_agrees_with_the_logits": r"row_lstm",
    "test_the_baseline_computes_what_the_network_does": NONE,
    "test_a_model_without_its_card_needs_data_named": NONE,
    "test_images_are_drawn_and_completed_in_the_order_of_the_scales": r"row_lstm",
    "test_each_scale_reads_the_past_of_its_image_exactly": r"row_lstm",
    "test_the_receptive_field_is_the_past_and_the_label": r"row_lstm",
    "test_images_are_drawn_given_their_labels": r"diagonal_bilstm-3",
    "test_every_signature_takes_labels_and_answers_as_the_model_does": NONE,
    "test_programs_take_labels": NONE,
    "test_a_seed_draws_the_same_images_everywhere": r"\[7\]|seed3",
    "test_a_label_out_of_range_is_refused_by_a_server": NONE,
    "test_scores_are_those_of_the_loss": r"row_lstm-colour",
    "test_drawn_images_are_those_of_generate_and_pass_the_interval_test": r"row_lstm-colour",
    "test_a_row_depends_on_its_own_seed_alone": r"row_lstm-colour",
    "test_gradient_by_hand_equals_that_of_the_loop": r"RowLSTM-size4-xla|size0-graph",
    "test_other_dtype_policies_are_close_to_float32": r"float16-PixelRNN-.*plain|bfloat16-(Dia|Row|Mas)|float64-Multi",
    "test_the_export_takes_integer_images": r"row_lstm-plain",
    "test_mask_a_that_closes_the_whole_centre": r"row_lstm|pixel_cnn",
    "test_unmasked_1x1_convolutions": r"row_lstm|pixel_cnn",
    "test_images_are_their_own_targets": r"labelled|cnn-conditioned",
    "test_inputs_by_name_and_predict": r"labelled|row_lstm-plain|cnn-conditioned",
    "test_the_score_does_not_depend_on_the_batch_size": r"\[7",
    "test_the_first_test_images_score_what_the_card_says": r"digits_diagonal_bilstm\]|digits_row",
    "test_a_run_that_was_killed_goes_on_bit_for_bit": NONE,
    "test_a_float16_step_that_overflows_is_done_again_at_a_smaller_scale": NONE,
    # Every layer, every block in one model, and one model's images; whatever is not computed is not compiled either.
    "test_outputs_and_gradients_are_the_same": r"\[\w+\]|Head|(cnn|row_lstm)-conditioned|labelled",
    "test_images_drawn_and_completed_are_the_same": r"labelled",
    "test_log_probabilities_are_the_same": r"labelled",
    "test_a_float32_network_generates_in_float64": r"row_lstm",
    "test_caches_filled_by_one_pass_equal_those_of_the_rows_before": r"-2-5",
    "test_second_derivatives_are_right_eager_and_under_xla": NONE,
    "test_a_checkpoint_of_tensorflow_holds_every_weight": ALL_KINDS,
    "test_every_weight_gets_a_gradient": ALL_KINDS,
    "test_no_image_depends_on_its_batch": ALL_KINDS,
    "test_an_empty_batch_is_fine": ALL_KINDS,
    "test_a_clone_has_the_same_layers_and_weights_of_its_own": ALL_KINDS,
    "test_weights_go_through_files": ALL_KINDS,
    "test_every_noise_value_lies_in_the_interval_of_its_level": r"bil.*(colour-2|grey-0)|row_lstm-grey-2|cnn-colour-0",
    "test_incremental_logits_equal_the_parallel_ones": r"shape(0|5|7|8|11|18|23)-",
    "test_incremental_logits_given_labels": r"diagonal_bilstm",
    "test_incremental_logits_without_residuals_or_skips": r"bil.*-residual|row_lstm-skips",
    "test_in_float64_incremental_logits_equal_the_parallel_ones_to_its_precision": r"bil.*colour|(row_lstm|cnn)-grey",
    "test_steps_run_in_float32_under_every_policy": r"row_lstm-bfloat16|bil.*mixed|cnn-float64",
    "test_frequencies_match_probabilities": r"bil.*shape0|row_lstm-shape1",
    "test_gradient_by_hand_equals_differences": r"graph",
    "test_the_graph_holds_no_op_that_a_server_lacks": r"cnn",
    "test_log_prob_summed_while_drawing_is_that_of_the_image_at_temperature_one": r"bil",
    "test_the_same_in_a_graph_and_alone_in_a_batch": r"True",
    "test_in_a_graph_known_pixels_that_hold_no_levels_have_no_log_prob": r"True",
    "test_known_pixels_are_told_in_many_forms": r"list|tensor",
    "test_scaled_images_are_no_levels": r"cnn-conditioned",
    "test_right_to_left_map_put_back_wrongly": r"not_mirrored_back",
    "test_groups_laid_over_the_fused_gates": r"row_lstm",
    "test_an_untrained_and_a_trained_network_are_causal": r"pixel_cnn",
    "test_fit_and_evaluate_make_no_logits": r"False",
    "test_a_label_out_of_range_has_no_likelihood_in_a_graph": r"False",
    "test_a_map_that_would_overflow_has_no_likelihood_and_draws_nothing": r"3e\+38|nan",
    # Those of the ordinal output have no shapes.
    "test_probabilities_of_all_images_sum_to_one": r"shape[03]-\d-0|pixel_cnn-shape2-2-2|^(?!.*shape)",
    "test_the_map_sums_to_log_prob": r"3-2|1-0-row_lstm",
    "test_every_pixel_of_the_map_sees_all_of_the_small_image": r"shape0",
    "test_known_pixels_hold_levels_and_others_may_hold_anything": r"nan|\[4",
    "test_steps_given_classes_are_of_a_network_that_takes_them": NONE,
}


def is_slow(name: str, case: str) -> bool:
    """Whether a case of a test is left to the slow proofs.

    Args:
        name: of the test function.
        case: its name with the parameters in brackets.
    """
    return name in BY_DEFAULT and re.search(BY_DEFAULT[name], case.removeprefix(name)) is None
